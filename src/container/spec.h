#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "image/config.h"
#include "runtime/bundle.h"

namespace strata {

/// What decides about a container beside the config of its image and command.
struct SpecRequest {
  std::string id;                 // 64 hex digits
  std::vector<std::string> argv;  // entrypoint and command
  RunConfig config;               // env (complete), user, working_dir, hostname, tty
  NetworkMode network = NetworkMode::Host;
  std::vector<std::string> extra_hosts;  // "name:ip"
  std::string rootfs;                    // absolute: where the merged view will be attached
  int root = -1;                         // the merged view, for users and groups
  int files = -1;                        // directory for hosts, hostname and resolv.conf; borrowed
  std::string files_path;                // its absolute path
};

/// Whether a process can start in `path` below `root`: the runtime would say something less clear.
/// InvalidArgument `Cannot mkdir: /etc/passwd is not a directory`; a missing one is made later.
Result<void> check_working_dir(int root, const std::string& path);

/// The runtime's view of a container as docker starts it: user and groups from the image, PATH,
/// HOSTNAME, HOME and TERM, and the files hosts, hostname and resolv.conf, which are written to
/// `files` and mounted over those of the init layer. Limits, mounts, capabilities and the like are
/// left at docker's defaults, for the caller to change.
/// Errors are docker's: "unable to find user nosuch: no matching entries in passwd file".
Result<ContainerSpec> make_spec(const SpecRequest& request);

/// The container's host name: as configured, the host's own with the host's network, else the
/// first 12 digits of the ID.
std::string container_hostname(const SpecRequest& request);

/// Where the runtime keeps its state for the containers of a store: a directory below /run/strata
/// that two stores never share, and that a reboot empties.
std::string runtime_state_dir(const std::string& store_path);

}  // namespace strata
