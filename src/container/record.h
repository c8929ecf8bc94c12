#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_lock.h"
#include "image/config.h"
#include "image/json.h"
#include "runtime/bundle.h"
#include "store/store.h"

namespace strata {

/// `State` of config.v2.json: how a container is, or how it ended.
struct RecordedState {
  bool running = false;  // also while paused
  bool paused = false;
  bool restarting = false;
  bool oom_killed = false;
  bool removal_in_progress = false;
  bool dead = false;
  int pid = 0;  // of its first process; 0 unless running
  int exit_code = 0;
  std::string error;             // why it could not be started
  Time started_at = kZeroTime;   // never started: kZeroTime
  Time finished_at = kZeroTime;  // never ended: kZeroTime

  bool operator==(const RecordedState&) const = default;
};

/// One element of `MountPoints`: a host directory or a volume in a container.
struct MountPoint {
  std::string type = "bind";  // "bind", "volume" or "tmpfs"
  std::string source;         // absolute host path
  std::string destination;    // absolute path in the container
  std::string name;           // of the volume; "" for a bind mount
  bool read_write = true;
  std::string mode;         // what followed the second colon of -v: "ro", "z"
  std::string propagation;  // "rprivate" for a bind mount
  bool anonymous = false;   // a volume that `rm -v` removes
};

/// hostconfig.json, as far as Strata uses it: what does not concern the image but this machine.
/// Zero and empty mean "not given" unless said otherwise.
struct HostConfig {
  std::vector<std::string> binds;  // "source:destination[:mode]", as given
  std::string log_driver = "json-file";
  std::string network_mode = "host";  // "host" or "none"; dockerd's stores also have "default"
  std::string restart_policy = "no";
  bool auto_remove = false;                         // --rm
  std::optional<std::vector<std::string>> cap_add;  // as given: "NET_ADMIN", "ALL"
  std::optional<std::vector<std::string>> cap_drop;
  std::vector<std::string> dns;
  std::vector<std::string> dns_options;
  std::vector<std::string> dns_search;
  std::optional<std::vector<std::string>> extra_hosts;  // "name:ip"
  std::optional<std::vector<std::string>> group_add;
  std::int64_t oom_score_adj = 0;
  bool privileged = false;
  bool publish_all_ports = false;
  bool readonly_rootfs = false;
  std::optional<std::vector<std::string>> security_opt;  // "no-new-privileges", "seccomp=..."
  std::map<std::string, std::string> tmpfs;              // path -> mount options
  std::int64_t shm_size = std::int64_t{64} << 20;        // bytes
  std::string runtime;                                   // "runc"; "" is the default, crun
  std::optional<bool> init;
  ResourceLimits limits;
  std::int64_t nano_cpus = 0;  // billionths of a CPU (--cpus)
  std::vector<Ulimit> ulimits;
  // Null in the file means that nothing is masked.
  std::optional<std::vector<std::string>> masked_paths = default_masked_paths();
  std::optional<std::vector<std::string>> readonly_paths = default_readonly_paths();
};

/// A container as ROOT/containers/<id>/{config.v2.json,hostconfig.json} describe it.
/// Format: docs/store.md, section 6; dockerd 20 and 28 read what we write and we read theirs.
struct ContainerRecord {
  std::string id;    // 64 hex digits
  std::string name;  // "/web"
  Time created = kZeroTime;
  std::string path;               // what runs: the program ...
  std::vector<std::string> args;  // ... and its arguments
  RunConfig config;   // of image and command merged; config.image is what the user typed
  std::string image;  // "sha256:<image id>"
  RecordedState state;
  HostConfig host;
  std::vector<MountPoint> mounts;
  std::string driver = "overlay2";
  std::string os = "linux";
  // Absolute host paths, "" until the first start.
  std::string log_path;
  std::string hostname_path;
  std::string hosts_path;
  std::string resolv_conf_path;
  std::string shm_path;
  std::int64_t restart_count = 0;
  bool has_been_started_before = false;
  bool has_been_manually_stopped = false;
  bool anonymous_endpoint = true;  // the name was ours to choose

  /// What was read, so that members which Strata does not know survive a rewrite. Null when new.
  Json parsed_config;
  Json parsed_host;
};

/// Reads one container. NotFound if there is none with this full ID, Corrupt if its config.v2.json
/// cannot be used (as dockerd, which does not list it then). A missing hostconfig.json means
/// defaults.
Result<ContainerRecord> load_container(const Store& store, const std::string& id);

/// Writes config.v2.json atomically; its directory must exist. A record that was loaded changes
/// only its name, state, paths and counters, everything else stays as it was read.
/// hostconfig.json is only written for a new record.
Result<void> save_container(const Store& store, const ContainerRecord& record);

/// Writes hostconfig.json, as `update` changes it: atomically, and safe when this returns. Of a
/// record that was loaded it is parsed_host that counts.
Result<void> save_host_config(const Store& store, const ContainerRecord& record);

/// All readable containers, newest first. Damaged ones are left out, as dockerd does.
Result<std::vector<ContainerRecord>> list_containers(const Store& store);

/// Full IDs of all directories in ROOT/containers, sorted; nothing is verified.
Result<std::vector<std::string>> container_ids(const Store& store);

/// Makes load, change and save of one container one step: ROOT/strata/containers/<id>.lock. After
/// it was waited for, the container may be gone.
Result<FileLock> lock_container(const Store& store, const std::string& id);

/// The two documents, each with its newline at the end, and back. Corrupt names the key.
std::string encode_container_config(const ContainerRecord& record);
std::string encode_host_config(const ContainerRecord& record);
/// `host_config` may be empty.
Result<ContainerRecord> decode_container(std::string_view config, std::string_view host_config);

}  // namespace strata
