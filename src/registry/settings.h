#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace strata::registry {

/// Where this user's and this machine's rules about registries stand. Files that are not there say
/// nothing.
struct Settings {
  std::string config_file;              // docker's client: ~/.docker/config.json
  std::vector<std::string> auth_files;  // podman's auth.json, the first one counts most
  std::vector<std::string> certs_dirs;  // each with a directory <host>, the first one counts most
  std::vector<std::string> insecure;    // hosts, "host:port" or IPv4 networks "10.0.0.0/8"
  std::vector<std::string> mirrors;     // URLs; of docker.io
  std::optional<bool> tls_verify;       // --tls-verify; unset: as the rules say
  /// Hears what a registry tells its users (header Warning), each time it does. Any thread; may be
  /// empty.
  std::function<void(const std::string& host, const std::string& text)> warn;
};

/// What docker and podman read: $DOCKER_CONFIG (or `config_dir`, if it is not empty), the auth.json
/// that $REGISTRY_AUTH_FILE names or those of podman, /etc/docker/certs.d and
/// $XDG_CONFIG_HOME/docker/certs.d, and of /etc/docker/daemon.json `insecure-registries` and
/// `registry-mirrors`. Corrupt for a daemon.json that is no JSON.
Result<Settings> user_settings(const std::string& config_dir);

}  // namespace strata::registry
