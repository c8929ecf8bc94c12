#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/cgroup.h"

namespace strata {

struct MountSpec {
  std::string type;                  // "bind", "tmpfs", ...
  std::string source;                // absolute for a bind mount
  std::string target;                // absolute, in the container
  std::vector<std::string> options;  // "rbind", "ro", "size=65536k", ...
};

/// A bind mount of a host path, as `docker run -v`: rbind, rprivate, and ro if asked for.
MountSpec bind_mount(std::string source, std::string target, bool read_only = false);

enum class NetworkMode : std::uint8_t {
  None,  // a network namespace of its own, with nothing but loopback
  Host,  // that of this process
};

struct Ulimit {
  std::string name;       // as docker names it: "nofile", "nproc", "core", ...
  std::int64_t soft = 0;  // -1: unlimited
  std::int64_t hard = 0;
};

/// Masks of capabilities: bit 1 << CAP_x.
inline constexpr std::uint64_t kDefaultCapabilities = 0xa80425fb;  // docker's fourteen
/// All that the kernel knows and this process may give on (its bounding set).
std::uint64_t available_capabilities();
/// "NET_ADMIN", "CAP_NET_ADMIN", in any case; "ALL". InvalidArgument otherwise.
Result<std::uint64_t> parse_capability(std::string_view name);

/// docker's defaults (docs/store.md, section 6).
std::vector<std::string> default_masked_paths();
std::vector<std::string> default_readonly_paths();

/// One container, as far as a runtime has to know. Defaults are those of `docker run`.
struct ContainerSpec {
  std::string rootfs;             // absolute, or relative to the bundle
  std::vector<std::string> argv;  // argv[0] is searched in the PATH of `env`
  std::vector<std::string> env;   // "NAME=value", complete
  std::string cwd = "/";          // absolute; made if absent (owner root)
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> additional_gids;
  bool terminal = false;
  std::string hostname;
  std::string domainname;
  std::vector<MountSpec> mounts;  // after the default ones, in this order
  NetworkMode network = NetworkMode::None;

  bool privileged = false;  // all capabilities, no seccomp, nothing masked, any device usable
  std::uint64_t capabilities = kDefaultCapabilities;
  bool no_new_privileges = false;
  bool seccomp = true;
  bool readonly_rootfs = false;
  std::vector<std::string> masked_paths = default_masked_paths();
  std::vector<std::string> readonly_paths = default_readonly_paths();

  std::int64_t shm_size = std::int64_t{64} << 20;  // bytes of /dev/shm
  std::vector<Ulimit> ulimits;
  ResourceLimits limits;                      // see fit_limits()
  CgroupMode cgroup_mode = CgroupMode::None;  // OciRuntime::cgroups().mode; None mounts no cgroup
  std::string cgroup_path;                    // "/strata/<id>"; empty: the runtime's choice
  std::optional<int> oom_score_adj;
  std::map<std::string, std::string> annotations;
};

/// Another program for a container that runs.
struct ExecSpec {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // beside that of the container
  std::string cwd;               // empty: that of the container
  struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> additional_gids;
  };
  std::optional<User> user;  // nullopt: that of the container
  bool terminal = false;
  bool privileged = false;  // all capabilities
};

/// The process object (OCI runtime spec 1.0.2, config.md) for `exec`: that of the container, whose
/// config.json is `config`, with the changes. Corrupt if that is no config.
Result<std::string> oci_exec_process(std::string_view config, const ExecSpec& exec);

/// The seccomp profile of that config, as JSON text; "" if the container has none.
std::string oci_seccomp(const ContainerSpec& spec);

/// config.json of a bundle: OCI runtime spec 1.0.2, Linux. No input makes it fail; what is not
/// valid is refused by the runtime.
std::string oci_config(const ContainerSpec& spec);

}  // namespace strata
