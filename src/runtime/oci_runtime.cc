#include "runtime/oci_runtime.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"
#include "fs/overlay_mount.h"
#include "image/json.h"
#include "runtime/console.h"

namespace strata {
namespace {

bool is_crun(const std::string& program) {
  return program.substr(program.rfind('/') + 1).starts_with("crun");
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// Waits for the end of this process, however it ends: the write end of the pipe on its stdin
/// closes. Then becomes the command that is given to it.
Result<Process> start_guardian(std::vector<std::string> argv, int pipe_read,
                               std::function<int()> in_child) {
  auto null = TRY(open_at(AT_FDCWD, "/dev/null", O_RDWR));
  Command command;
  command.argv = {"/bin/sh", "-c", "read -r line; exec \"$@\"", "strata-guardian"};
  command.argv.insert(command.argv.end(), argv.begin(), argv.end());
  command.stdin_fd = pipe_read;
  command.stdout_fd = null.get();
  command.stderr_fd = null.get();
  command.in_child = std::move(in_child);
  command.new_session = true;
  command.die_with_parent = false;
  return Process::start(command).context("guardian");
}

ContainerStatus parse_status(std::string_view word) {
  if (word == "creating") return ContainerStatus::Creating;
  if (word == "created") return ContainerStatus::Created;
  if (word == "running") return ContainerStatus::Running;
  if (word == "paused") return ContainerStatus::Paused;
  return ContainerStatus::Stopped;
}

/// Copies the pseudo-terminal that `runtime` hands over, as long as that process lives.
Result<void> relay_console(const ConsoleSocket& console, pid_t runtime, int in, int out) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, runtime, 0)));
  if (!pidfd) return Error::from_errno(errno, "pidfd_open");
  auto master = TRY(console.receive(pidfd.get()));
  if (!master) return {};  // the runtime gave up before
  return relay_terminal(master.get(), in, out, pidfd.get());
}

}  // namespace

struct RunningContainer::Parts {
  OciRuntime runtime;
  std::string id;
  std::string argv0;
  std::string log_path;
  UniqueFd alive;  // closes with this process; the guardian waits for that
  std::optional<Process> guardian;
  std::optional<Process> process;  // the runtime; gone after wait()
  // A terminal that we relay ourselves, in wait():
  std::optional<ConsoleSocket> console;
  UniqueFd in;
  UniqueFd out;
};

RunningContainer::RunningContainer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RunningContainer::RunningContainer(RunningContainer&&) noexcept = default;

RunningContainer::~RunningContainer() {
  if (!parts_ || !parts_->process) return;
  parts_->process.reset();  // first: it could be about to create what is removed here
  (void)parts_->runtime.remove(parts_->id, true);
}

Result<RunOutcome> RunningContainer::wait() {
  if (!parts_->process) return Error(ErrorCode::Internal, "waited for a container twice");
  if (parts_->console)
    TRY(relay_console(*parts_->console, parts_->process->pid(), parts_->in.get(),
                      parts_->out.get()));
  RunOutcome outcome;
  outcome.status = TRY(parts_->process->wait());
  parts_->process.reset();
  // A runtime that was killed has left the container behind.
  if (outcome.status.signal != 0) TRY(parts_->runtime.remove(parts_->id, true));
  parts_->guardian.reset();
  if (!outcome.status.success()) {
    auto log = read_file(AT_FDCWD, parts_->log_path);
    if (log) outcome.failure = explain_failure(*log, parts_->argv0);
  }
  return outcome;
}

OciRuntime::OciRuntime(Options options, CgroupSupport cgroups)
    : options_(std::move(options)), cgroups_(std::move(cgroups)) {}

Result<OciRuntime> OciRuntime::open(Options options) {
  if (!options.state_dir.starts_with('/'))
    return Error(ErrorCode::InvalidArgument, "runtime state directory is not absolute");
  options.program = find_program(options.program);
  if (::access(options.program.c_str(), X_OK) < 0)
    return Error(ErrorCode::NotFound, "container runtime not found: " + options.program);
  auto slash = options.state_dir.rfind('/');
  if (slash > 0) TRY(make_dirs(AT_FDCWD, options.state_dir.substr(0, slash), 0755));
  TRY(make_dirs(AT_FDCWD, options.state_dir, 0700));
  auto cgroups = TRY(detect_cgroups());
  return OciRuntime(std::move(options), std::move(cgroups));
}

std::string OciRuntime::cgroup_warning() const {
  if (cgroups_.mode != CgroupMode::None) return "";
  return "no usable cgroup hierarchy in /sys/fs/cgroup: containers run without limits";
}

std::vector<std::string> OciRuntime::base_argv(const std::string& log_path) const {
  std::vector<std::string> argv = {options_.program, "--root=" + options_.state_dir};
  bool crun = is_crun(options_.program);
  if (!log_path.empty()) {
    argv.push_back("--log=" + log_path);
    // crun in JSON would write JSON to the container's stderr when execve fails.
    if (!crun) argv.emplace_back("--log-format=json");
  }
  if (crun && cgroups_.mode == CgroupMode::None) argv.emplace_back("--cgroup-manager=disabled");
  return argv;
}

std::function<int()> OciRuntime::enter_namespace(std::vector<RootfsMount> mounts) const {
  return [mounts = std::move(mounts), hidden = cgroups_.unified_mount] {
    if (::unshare(CLONE_NEWNS) < 0) return -1;
    // Slave: mounts that go away on the host go away here, and none of ours gets out.
    if (::mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) return -1;
    if (!hidden.empty() && ::umount2(hidden.c_str(), MNT_DETACH) < 0) return -1;
    for (const auto& mount : mounts)
      if (mount.mount >= 0 && attach_mount(mount.mount, mount.target.c_str()) < 0) return -1;
    return 0;
  };
}

Result<RunningContainer> OciRuntime::start(const StartOptions& options) const {
  auto log_path = options.bundle + "/runtime.log";
  ::unlink(log_path.c_str());  // of an earlier run

  auto alive = TRY(make_pipe());
  auto remove_argv = base_argv("");
  remove_argv.insert(remove_argv.end(), {"delete", "--force", options.id});
  auto guardian = TRY(start_guardian(remove_argv, alive.read.get(), enter_namespace()));

  auto parts = std::make_unique<RunningContainer::Parts>(RunningContainer::Parts{
      *this, options.id, options.argv0, std::move(log_path), std::move(alive.write),
      std::move(guardian), std::nullopt, std::nullopt, UniqueFd(), UniqueFd()});

  Command command;
  command.argv = base_argv(parts->log_path);
  command.argv.insert(command.argv.end(), {"run", "--bundle=" + options.bundle});
  command.stdin_fd = options.stdin_fd;
  command.stdout_fd = options.stdout_fd;
  command.stderr_fd = options.stderr_fd;
  auto console_socket = options.console_socket;
  // runc copies well by itself, and takes no socket here. crun may end before it has copied all.
  if (options.terminal && console_socket.empty() && is_crun(options_.program)) {
    auto path = options_.state_dir + ".console-" + random_hex(4);
    parts->console.emplace(TRY(ConsoleSocket::listen(path)));
    if (options.stdin_fd >= 0) parts->in = TRY(duplicate(options.stdin_fd));
    parts->out = TRY(duplicate(options.stdout_fd >= 0 ? options.stdout_fd : STDOUT_FILENO));
    console_socket = parts->console->path();
    command.stdin_fd = -1;
  }
  if (!console_socket.empty()) command.argv.push_back("--console-socket=" + console_socket);
  command.argv.push_back(options.id);
  command.new_session = options.new_session;
  std::vector<RootfsMount> mounts = {options.rootfs};
  mounts.insert(mounts.end(), options.more_mounts.begin(), options.more_mounts.end());
  command.in_child = enter_namespace(std::move(mounts));
  parts->process = TRY(Process::start(command));
  return RunningContainer(std::move(parts));
}

Result<RunOutcome> OciRuntime::exec(const ExecOptions& options) const {
  Command command;
  command.argv = base_argv(options.log_path);
  command.argv.insert(command.argv.end(), {"exec", "--process=" + options.process_path});
  if (options.detach) command.argv.emplace_back("--detach");
  command.stdin_fd = options.stdin_fd;
  command.stdout_fd = options.stdout_fd;
  command.stderr_fd = options.stderr_fd;
  command.in_child = enter_namespace();
  std::optional<ConsoleSocket> console;
  if (options.terminal && !options.detach && is_crun(options_.program)) {
    console.emplace(TRY(ConsoleSocket::listen(options_.state_dir + ".console-" + random_hex(4))));
    command.argv.push_back("--console-socket=" + console->path());
    command.stdin_fd = -1;
  }
  command.argv.push_back(options.id);
  auto process = TRY(Process::start(command));
  if (console) {
    int out = options.stdout_fd >= 0 ? options.stdout_fd : STDOUT_FILENO;
    TRY(relay_console(*console, process.pid(), options.stdin_fd, out));
  }
  RunOutcome outcome;
  outcome.status = TRY(process.wait());
  if (!outcome.status.success())
    if (auto log = read_file(AT_FDCWD, options.log_path))
      outcome.failure = explain_failure(*log, options.argv0, RuntimeCall::Exec);
  return outcome;
}

Result<Output> OciRuntime::run(std::vector<std::string> arguments) const {
  Command command;
  command.argv = base_argv("");
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.in_child = enter_namespace();
  return run_and_capture(std::move(command));
}

Result<void> OciRuntime::start_created(const std::string& id) const {
  auto output = TRY(run({"start", id}));
  if (output.status.success()) return {};
  return Error(ErrorCode::System, fmt::format("start container {}: {}", id, trimmed(output.err)));
}

Result<void> OciRuntime::kill(const std::string& id, int signal) const {
  auto output = TRY(run({"kill", id, std::to_string(signal)}));
  if (output.status.success()) return {};
  auto now = TRY(state(id));
  if (now.status == ContainerStatus::Stopped)
    return Error(ErrorCode::Conflict, fmt::format("Container {} is not running", id));
  return Error(ErrorCode::System, fmt::format("kill container {}: {}", id, trimmed(output.err)));
}

Result<void> OciRuntime::remove(const std::string& id, bool force) const {
  std::vector<std::string> arguments = {"delete", id};
  if (force) arguments.insert(arguments.begin() + 1, "--force");
  auto output = TRY(run(arguments));
  if (output.status.success()) return {};
  auto now = state(id);
  if (!now && now.error().code() == ErrorCode::NotFound) {
    if (force) return {};
    return std::move(now).error();
  }
  return Error(ErrorCode::Conflict,
               fmt::format("remove container {}: {}", id, trimmed(output.err)));
}

Result<ContainerState> OciRuntime::state(const std::string& id) const {
  auto output = TRY(run({"state", id}));
  if (!output.status.success()) {
    // Runtimes keep one directory for each container; their messages differ.
    auto kept = stat_at(AT_FDCWD, options_.state_dir + "/" + id);
    if (!kept) return Error(ErrorCode::NotFound, "No such container: " + id);
    return Error(ErrorCode::System,
                 fmt::format("state of container {}: {}", id, trimmed(output.err)));
  }
  auto json = TRY(Json::parse(output.out).context("state of container {}", id));
  ContainerState state;
  state.status = parse_status(json["status"].as_string());
  if (state.status != ContainerStatus::Stopped)
    state.pid = static_cast<pid_t>(json["pid"].as_int());
  return state;
}

}  // namespace strata
