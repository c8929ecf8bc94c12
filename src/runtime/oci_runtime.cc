#include "runtime/oci_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "base/random_id.h"
#include "fs/overlay_mount.h"
#include "image/json.h"
#include "runtime/console.h"
#include "runtime/protected_program.h"
#include "runtime/resources.h"

namespace strata {
namespace {

constexpr int kFirstLookMs = 4;  // for the pid of a container of runc; then twice as long each time
constexpr int kLastLookMs = 64;
constexpr int kLongestDeathMs = 10'000;

// crun (1.8) writes a -1 for "no limit" as it is, which the kernel refuses. These are the largest
// that it takes: more processes than Linux can have, and more than all CPUs it can have.
constexpr std::int64_t kMostPids = 4'194'304;
constexpr std::int64_t kMostQuota = 8192 * std::int64_t{1'000'000};  // at the longest period, 1 s

bool is_crun(const std::string& program) {
  return program.substr(program.rfind('/') + 1).starts_with("crun");
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

ContainerStatus parse_status(std::string_view word) {
  if (word == "creating") return ContainerStatus::Creating;
  if (word == "created") return ContainerStatus::Created;
  if (word == "running") return ContainerStatus::Running;
  if (word == "paused") return ContainerStatus::Paused;
  return ContainerStatus::Stopped;
}

/// Takes away what is mounted there. crun makes directories in the place all the same, and forgets
/// them: they are made in a file system that goes with the namespace.
int hide(const char* place) {
  if (::umount2(place, MNT_DETACH) < 0) return -1;
  return ::mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=755");
}

/// What crun writes into its --pid-file when the program of the container has been started, at once
/// and without an end of line. 0 if all who could write have ended without.
pid_t read_pid(int pipe) {
  std::array<char, 16> digits{};
  ssize_t n = 0;
  while ((n = ::read(pipe, digits.data(), digits.size())) < 0 && errno == EINTR) {
  }
  pid_t pid = 0;
  if (n > 0) std::from_chars(digits.data(), digits.data() + n, pid);
  return pid;
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// Copies the pseudo-terminal that `runtime` hands over, as long as that process lives.
Result<void> relay_console(const ConsoleSocket& console, pid_t runtime, int in, int out) {
  auto pidfd = open_pidfd(runtime);
  if (!pidfd) return Error::from_errno(errno, "pidfd_open");
  auto master = TRY(console.receive(pidfd.get()));
  if (!master) return {};  // the runtime gave up before
  return relay_terminal(master.get(), in, out, pidfd.get());
}

/// pidfds of the processes whose parent is the first thread of `pid`.
std::vector<UniqueFd> open_children(pid_t pid) {
  std::vector<UniqueFd> children;
  auto list = read_file(AT_FDCWD, fmt::format("/proc/{}/task/{}/children", pid, pid));
  if (!list) return children;  // ended, or a kernel without CONFIG_PROC_CHILDREN
  const char* end = list->data() + list->size();
  pid_t child = 0;
  for (const char* at = list->data(); at < end; at++) {  // "17 4711 "
    auto [next, error] = std::from_chars(at, end, child);
    if (error != std::errc()) break;
    auto pidfd = open_pidfd(child);
    if (pidfd) children.push_back(std::move(pidfd));
    at = next;
  }
  return children;
}

/// Ends a runtime and what it has made of a container. crun (1.8) lets the program start before it
/// writes down what it has started, and killed in between it leaves a process that nobody knows.
/// Stopped it makes no more children: the signal lets a clone() that has not made one fail. The
/// wait is bounded, since a process in an uninterruptible sleep may stay.
void kill_with_children(Process& runtime) {
  (void)runtime.kill(SIGSTOP);
  auto children = open_children(runtime.pid());
  (void)runtime.kill(SIGKILL);
  for (const auto& child : children)
    (void)::syscall(SYS_pidfd_send_signal, child.get(), SIGKILL, nullptr, 0);
  (void)runtime.wait();
  for (const auto& child : children) {
    pollfd end = {child.get(), POLLIN, 0};
    while (::poll(&end, 1, kLongestDeathMs) < 0 && errno == EINTR) {
    }
  }
}

}  // namespace

struct RunningContainer::Parts {
  OciRuntime runtime;
  std::string id;
  std::string argv0;
  std::string log_path;
  std::string learn;
  std::optional<Process> process;  // the runtime; gone after wait()
  UniqueFd pid;                    // crun writes the container's pid to the other end
  UniqueFd runtime_end;            // pidfd of `process`, if the pid has to be asked for
  // A terminal that we relay ourselves, in wait():
  std::optional<ConsoleSocket> console;
  UniqueFd in;
  UniqueFd out;
};

RunningContainer::RunningContainer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RunningContainer::RunningContainer(RunningContainer&&) noexcept = default;

RunningContainer::~RunningContainer() {
  if (parts_) end();
}

void RunningContainer::end() {
  parts_->in = UniqueFd();
  parts_->out = UniqueFd();
  if (!parts_->process) return;
  kill_with_children(*parts_->process);  // first: it could be about to create what is removed here
  parts_->process.reset();
  (void)parts_->runtime.remove(parts_->id, true);
  parts_->runtime.guardian_->release(parts_->id);
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
  Result<void> removed;
  if (outcome.status.signal != 0) removed = parts_->runtime.remove(parts_->id, true);
  parts_->runtime.guardian_->release(parts_->id);  // also if not: its pid may be another's soon
  TRY(std::move(removed));
  if (!outcome.status.success()) {
    auto log = read_file(AT_FDCWD, parts_->log_path);
    if (log) outcome.failure = explain_failure(*log, parts_->argv0);
  }
  return outcome;
}

pid_t RunningContainer::wait_started() {
  const auto& runtime = parts_->runtime;
  if (parts_->pid) {
    auto pid = read_pid(parts_->pid.get());
    // It has started the program, so it is done with this file.
    if (pid > 0 && !parts_->learn.empty() && runtime.seccomp_)
      (void)runtime.seccomp_->keep(parts_->learn,
                                   runtime.options_.state_dir + "/" + parts_->id + "/seccomp.bpf");
    return pid;
  }
  pollfd end = {parts_->runtime_end.get(), POLLIN, 0};
  for (int ms = kFirstLookMs; ::poll(&end, 1, ms) == 0; ms = std::min(2 * ms, kLastLookMs)) {
    auto state = runtime.state(parts_->id);
    if (state && state->pid > 0 && state->status == ContainerStatus::Running) return state->pid;
  }
  return 0;
}

OciRuntime::OciRuntime(Options options, CgroupSupport cgroups)
    : options_(std::move(options)),
      cgroups_(std::move(cgroups)),
      program_(std::make_shared<UniqueFd>(open_protected_program(options_.program))) {
  auto remove = base_argv("");
  remove.insert(remove.end(), {"delete", "--force"});
  guardian_ = std::make_shared<Guardian>(std::move(remove), enter_namespace());
  const auto& dir = options_.state_dir;
  if (is_crun(options_.program))
    seccomp_.emplace(dir.substr(0, dir.rfind('/')) + "/seccomp", options_.program);
}

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
    if (!hidden.empty() && hide(hidden.c_str()) < 0) return -1;
    for (const auto& mount : mounts)
      if (mount.mount >= 0 && attach_mount(mount.mount, mount.target.c_str()) < 0) return -1;
    return 0;
  };
}

Command OciRuntime::command(const std::string& log_path,
                            const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = base_argv(log_path);
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.program_fd = program_->get();
  if (*program_) {
    command.env.emplace();
    for (char** variable = environ; *variable != nullptr; variable++)
      command.env->emplace_back(*variable);
    command.env->emplace_back(kProtectedMark);
  }
  command.in_child = enter_namespace();
  return command;
}

RuntimeConfig OciRuntime::config(const ContainerSpec& spec) const {
  // Annotations of the user's could lead crun to another program than that of the profile.
  bool is_known = seccomp_ && spec.annotations.empty();
  auto profile = is_known ? oci_seccomp(spec) : "";
  if (profile.empty()) return {oci_config(spec), ""};
  auto key = seccomp_->key(profile);
  auto compiled = seccomp_->find(key);
  if (compiled.empty()) return {oci_config(spec), std::move(key)};
  // Beside the profile, not in its place: another runtime, or an older one, goes by that.
  auto with_program = spec;
  with_program.annotations.emplace("run.oci.seccomp_bpf_data", std::move(compiled));
  return {oci_config(with_program), ""};
}

Result<RunningContainer> OciRuntime::start(const StartOptions& options) const {
  auto log_path = options.bundle + "/runtime.log";
  ::unlink(log_path.c_str());  // of an earlier run

  auto parts = std::make_unique<RunningContainer::Parts>(RunningContainer::Parts{
      *this, options.id, options.argv0, std::move(log_path), options.learn, std::nullopt,
      UniqueFd(), UniqueFd(), std::nullopt, UniqueFd(), UniqueFd()});

  auto command = this->command(parts->log_path, {"run", "--bundle=" + options.bundle});
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
  Pipe pid;
  if (is_crun(options_.program)) {  // runc renames a file of its own to this name
    pid = TRY(make_pipe());
    command.keep_fds = {pid.write.get()};
    command.argv.push_back(fmt::format("--pid-file=/proc/self/fd/{}", pid.write.get()));
  }
  command.argv.push_back(options.id);
  command.new_session = options.new_session;
  std::vector<RootfsMount> mounts = {options.rootfs};
  mounts.insert(mounts.end(), options.more_mounts.begin(), options.more_mounts.end());
  command.in_child = enter_namespace(std::move(mounts));
  // Not with this process, which leaves no time to see its children: the guardian ends it.
  command.die_with_parent = false;
  TRY(guardian_->start());
  parts->process = TRY(Process::start(command));
  const pid_t runtime = parts->process->pid();
  parts->pid = std::move(pid.read);
  if (!parts->pid) parts->runtime_end = open_pidfd(runtime);
  RunningContainer container(std::move(parts));
  TRY(guardian_->take(options.id, runtime));
  return container;
}

Result<RunOutcome> OciRuntime::exec(const ExecOptions& options) const {
  auto command = this->command(options.log_path, {"exec", "--process=" + options.process_path});
  if (options.detach) command.argv.emplace_back("--detach");
  command.stdin_fd = options.stdin_fd;
  command.stdout_fd = options.stdout_fd;
  command.stderr_fd = options.stderr_fd;
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

Result<Output> OciRuntime::run(const std::vector<std::string>& arguments,
                               std::string_view input) const {
  return run_and_capture(command("", arguments), input);
}

Result<void> OciRuntime::start_created(const std::string& id) const {
  auto output = TRY(run({"start", id}));
  if (output.status.success()) return {};
  return Error(ErrorCode::System, fmt::format("start container {}: {}", id, trimmed(output.err)));
}

Result<void> OciRuntime::update(const std::string& id, ResourceLimits limits) const {
  if (is_crun(options_.program)) {
    if (limits.pids && *limits.pids <= 0) limits.pids = kMostPids;
    if (limits.cpu_quota && *limits.cpu_quota < 0) limits.cpu_quota = kMostQuota;
  }
  auto resources = oci_resources(limits);
  if (resources.size() == 0) return {};
  auto output = TRY(run({"update", "--resources=/dev/stdin", id}, resources.dump()));
  if (output.status.success()) return {};
  return Error(ErrorCode::System, options_.program.substr(options_.program.rfind('/') + 1) + ": " +
                                      trimmed(output.err));
}

Result<void> OciRuntime::kill(const std::string& id, int signal) const {
  auto output = TRY(run({"kill", id, std::to_string(signal)}));
  if (output.status.success()) return {};
  auto now = TRY(state(id));
  if (now.status == ContainerStatus::Stopped)
    return Error(ErrorCode::Conflict, fmt::format("Container {} is not running", id));
  return Error(ErrorCode::System, fmt::format("kill container {}: {}", id, trimmed(output.err)));
}

bool OciRuntime::knows(const std::string& id) const {
  return stat_at(AT_FDCWD, options_.state_dir + "/" + id).has_value();
}

Result<void> OciRuntime::remove(const std::string& id, bool force) const {
  if (force && !knows(id)) return {};
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
    // Their messages differ.
    if (!knows(id)) return Error(ErrorCode::NotFound, "No such container: " + id);
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
