#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "digest/digest.h"
#include "engine/events.h"
#include "image/json.h"

namespace strata {

/// `create` and the part of `run` that is the same, as the command line says it. Texts are checked
/// by create_container(). Empty and zero mean "not given".
struct ContainerOptions {
  std::string image;
  std::optional<std::int64_t> step;  // its image after this entry of its history; see step_image()
  std::vector<std::string> command;
  std::string name;
  bool detach = false;      // of run: nothing is attached
  bool starts_now = false;  // run: with auto_remove it need not outlive a power cut

  std::vector<std::string> env;           // "NAME=value"; "NAME" takes the caller's value
  std::vector<std::string> env_files;     // names of files with such lines
  std::vector<std::string> labels;        // "name=value", "name"
  std::optional<std::string> entrypoint;  // "" removes that of the image
  std::string hostname;
  std::string domainname;
  std::string user;
  std::string workdir;
  bool tty = false;
  bool interactive = false;
  std::vector<std::string> attach;  // "stdin", "stdout", "stderr"
  std::string stop_signal;
  std::optional<std::int64_t> stop_timeout;  // seconds
  std::vector<std::string> expose;
  bool no_healthcheck = false;

  std::vector<std::string> volumes;  // "[source:]destination[:mode]"
  std::vector<std::string> tmpfs;    // "path[:options]"
  bool read_only = false;
  bool auto_remove = false;
  bool init = false;
  std::string network = "host";
  std::vector<std::string> publish;
  bool publish_all = false;
  std::vector<std::string> extra_hosts;  // "name:ip"
  std::vector<std::string> dns;
  std::vector<std::string> dns_options;
  std::vector<std::string> dns_search;

  bool privileged = false;
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  std::vector<std::string> security_opt;
  std::vector<std::string> group_add;
  std::string restart = "no";
  std::string runtime;  // "crun" or "runc"

  std::string memory;  // "512m"; likewise the next two
  std::string memory_reservation;
  std::string memory_swap;  // or "-1"
  std::string shm_size;
  std::string cpus;  // "1.5"
  std::int64_t cpu_shares = 0;
  std::int64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::int64_t pids_limit = 0;
  std::int64_t oom_score_adj = 0;
  std::vector<std::string> ulimits;  // "nofile=1024:2048"
};

struct NewContainer {
  std::string id;
  std::vector<std::string> warnings;
};

/// Texts that docker's client looks at before it asks anyone.
enum class ContainerValue : std::uint8_t {
  Stream,     // -a: "stdout"
  Variable,   // -e: "NAME=value"
  ExtraHost,  // --add-host: "name:address"
  Dns,        // --dns: an address
  Limit,      // --ulimit: "nofile=1024:2048"
  Size,       // -m, --shm-size ...: "64m"
  SwapSize,   // --memory-swap: "64m", "-1"
  Cpus,       // --cpus: "1.5"
};
/// InvalidArgument in docker's words.
Result<void> check_value(ContainerValue kind, const std::string& text);
/// What docker's client refuses when it has all options.
Result<void> check_as_client(const ContainerOptions& options);

/// Makes a container that can be started. Errors are docker's: NotFound "No such image: x:latest",
/// Conflict if the name is taken.
Result<NewContainer> create_container(const EngineOptions& engine, const ContainerOptions& options);

/// `rm` of one container, by ID, prefix or name. `force` kills it if it runs, `volumes` removes its
/// anonymous volumes too. Does not wait for the disk: after a power cut within the next seconds it
/// may be there again.
Result<void> remove_container(const EngineOptions& engine, std::string_view name, bool force,
                              bool volumes);

/// `diff`: "C", "A" or "D" and the path, sorted by path.
Result<std::vector<std::pair<char, std::string>>> container_changes(const EngineOptions& engine,
                                                                    std::string_view name);

struct CommitContainerRequest {
  std::string container;
  std::string reference;  // "" for none
  std::string author;
  std::string comment;
  std::vector<std::string> changes;  // Dockerfile instructions
  bool pause = true;                 // while its files are copied, if it runs
};
Result<ImageID> commit_container(const EngineOptions& engine,
                                 const CommitContainerRequest& request);

struct ListContainersRequest {
  bool all = false;        // also those that do not run
  std::int64_t last = -1;  // so many of the newest, whatever their state; -1: no limit
  bool size = false;
  std::vector<std::string> filters;  // "name=x", "status=exited", "ancestor=app:1", ...
};

/// One row of `ps`.
struct ContainerRow {
  std::string id;
  std::vector<std::string> names;  // without slash
  std::string image;               // as the user named it, or its ID if that name has moved on
  std::string image_id;            // "sha256:..."
  std::string command;             // path and arguments
  Time created;
  std::string state;   // "created", "running", "paused", "exited", "dead", ...
  std::string status;  // "Up 2 minutes", "Exited (0) 3 hours ago"
  Json labels;
  std::vector<std::string> mounts;  // volume names and host paths
  std::string networks;
  std::string ports;
  std::int64_t size_rw = 0;       // bytes of the writable layer; only if asked for
  std::int64_t size_root_fs = 0;  // with its image
};

/// Newest first. InvalidArgument for a filter that docker does not know.
Result<std::vector<ContainerRow>> list_containers(const EngineOptions& engine,
                                                  const ListContainersRequest& request);

/// The inspect document of docker 20.10; with `size` also SizeRw and SizeRootFs.
Result<Json> inspect_container(const EngineOptions& engine, std::string_view name,
                               bool size = false);

}  // namespace strata
