#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "runtime/bundle.h"
#include "runtime/cgroup.h"
#include "runtime/guardian.h"
#include "runtime/seccomp_cache.h"

namespace strata {

/// Why a runtime could not start a container, in docker's words.
struct RuntimeFailure {
  std::string message;  // "failed to create shim task: OCI runtime create failed: ...: unknown"
  int exit_code = 125;  // of `docker run`: 127 no such program, 126 cannot be executed, else 125
};

enum class RuntimeCall : std::uint8_t { Run, Exec };

/// Turns what a runtime logged (JSON lines, or the text on its stderr) into docker's message.
/// `argv0` is the program that was to run. nullopt if the log has no error in it.
std::optional<RuntimeFailure> explain_failure(std::string_view log, std::string_view argv0,
                                              RuntimeCall call = RuntimeCall::Run);

/// How a container that ran in the foreground ended.
struct RunOutcome {
  ExitStatus status;                      // code is 128 + n if signal n ended the container
  std::optional<RuntimeFailure> failure;  // it never ran
};

/// What is mounted for the container and nobody else: a detached mount (fs/overlay_mount.h) and the
/// existing directory that it is attached to in the mount namespace of the runtime.
struct RootfsMount {
  int mount = -1;      // borrowed until the call returns; -1: the rootfs is in place already
  std::string target;  // absolute; the `rootfs` of the container's config
};

struct StartOptions {
  std::string bundle;  // absolute directory that holds config.json; takes runtime.log, too
  std::string id;
  std::string argv0;  // the container's program, for messages
  std::string learn;  // of RuntimeConfig
  RootfsMount rootfs;
  std::vector<RootfsMount> more_mounts;  // attached after it, for bind mounts of the config
  int stdin_fd = -1;                     // -1: /dev/null
  int stdout_fd = -1;                    // -1: that of this process
  int stderr_fd = -1;
  /// Must say the same as the config. RunningContainer::wait() then copies between the
  /// pseudo-terminal and the stdio above, unless `console_socket` names a unix socket that is to
  /// receive its master end.
  bool terminal = false;
  std::string console_socket;
  bool new_session = false;  // keep the terminal's Ctrl-C from the runtime
};

/// `exec`: one more program in a container that runs.
struct ExecOptions {
  std::string id;
  std::string process_path;  // absolute; a process object of the OCI runtime spec
  std::string log_path;      // absolute; takes what the runtime says
  std::string argv0;         // for messages
  int stdin_fd = -1;         // as in StartOptions
  int stdout_fd = -1;
  int stderr_fd = -1;
  bool terminal = false;  // must say the same as the process object
  bool detach = false;    // return when it has been started
};

enum class ContainerStatus : std::uint8_t { Creating, Created, Running, Paused, Stopped };

struct ContainerState {
  ContainerStatus status = ContainerStatus::Stopped;
  pid_t pid = 0;  // on the host; 0 if stopped
};

/// What goes into a bundle.
struct RuntimeConfig {
  std::string json;   // config.json
  std::string learn;  // for start(): the seccomp profile that crun compiles, see seccomp_cache.h
};

/// A container in the foreground. Dropped while running, it is killed and removed. If this process
/// dies, however it does, a guardian process removes the container.
class RunningContainer {
 public:
  RunningContainer(RunningContainer&&) noexcept;
  RunningContainer& operator=(RunningContainer&&) = delete;
  ~RunningContainer();

  /// Waits for the end; the runtime removes its state. Once only, from any thread.
  Result<RunOutcome> wait();

  /// Lets go of all that was borrowed or duplicated for it; kills and removes it if wait() has not
  /// seen its end.
  void end();

  /// Waits until the program of the container has been started: its first process, on the host. 0
  /// if the runtime ended before it told. Once only, from any thread, also beside wait().
  pid_t wait_started();

 private:
  friend class OciRuntime;
  struct Parts;
  explicit RunningContainer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// An OCI runtime program (crun, runc), driven by its command line. Every call of it runs in a
/// mount namespace of its own, a slave of ours: what is mounted for a container is seen by that
/// container alone and vanishes with its last process; and on a hybrid machine the cgroup2 tree is
/// out of sight, which crun insists on. Immutable: any thread.
class OciRuntime {
 public:
  struct Options {
    std::string program = "crun";  // or "runc", or a path
    std::string state_dir;         // absolute, such as /run/strata/<key>; made with mode 0700
  };
  /// Looks at the cgroups once. NotFound if there is no such program.
  static Result<OciRuntime> open(Options options);

  const CgroupSupport& cgroups() const { return cgroups_; }
  /// One line if containers run without a cgroup; empty otherwise.
  std::string cgroup_warning() const;

  /// oci_config(), with what is known already of the work that the runtime would have with it.
  RuntimeConfig config(const ContainerSpec& spec) const;

  /// `run` in the foreground.
  Result<RunningContainer> start(const StartOptions& options) const;

  /// Runs the program to its end, unless it is detached. If this process dies it goes on.
  Result<RunOutcome> exec(const ExecOptions& options) const;

  /// Starts the program of a container that conmon created.
  Result<void> start_created(const std::string& id) const;

  /// Changes the limits of a running container; those that are absent stay. System with the
  /// runtime's words if the kernel does not take one: then others may have been set.
  Result<void> update(const std::string& id, ResourceLimits limits) const;

  /// Sends a signal to the container's first process. NotFound if there is no such container,
  /// Conflict if it does not run.
  Result<void> kill(const std::string& id, int signal) const;

  /// Forgets a stopped container; `force` kills it first and accepts that there is none.
  Result<void> remove(const std::string& id, bool force) const;

  /// NotFound if the runtime does not know it.
  Result<ContainerState> state(const std::string& id) const;

  /// The command line up to and without the subcommand: path of the program and global options. The
  /// log is written to `log_path` as JSON lines.
  std::vector<std::string> base_argv(const std::string& log_path) const;

  /// For Command::in_child: makes the private mount namespace, hides cgroup2 if need be, attaches
  /// `mounts` in order. Everything it needs is copied into it.
  std::function<int()> enter_namespace(std::vector<RootfsMount> mounts = {}) const;

 private:
  friend class RunningContainer;
  OciRuntime(Options options, CgroupSupport cgroups);
  /// A call of the runtime with these arguments; it logs to `log_path` unless that is empty.
  Command command(const std::string& log_path, const std::vector<std::string>& arguments) const;
  Result<Output> run(const std::vector<std::string>& arguments, std::string_view input = {}) const;
  /// Is there anything of it? Runtimes keep one directory for each container.
  bool knows(const std::string& id) const;

  Options options_;
  CgroupSupport cgroups_;
  std::shared_ptr<const UniqueFd> program_;  // protected_program.h; may be -1
  std::shared_ptr<Guardian> guardian_;
  std::optional<SeccompCache> seccomp_;  // of crun
};

}  // namespace strata
