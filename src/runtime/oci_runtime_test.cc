#include "runtime/oci_runtime.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <thread>

#include "base/io.h"
#include "base/random_id.h"
#include "base/test_dir.h"
#include "fs/overlay_mount.h"
#include "runtime/bundle.h"
#include "runtime/conmon.h"
#include "runtime/find_program.h"
#include "runtime/k8s_log.h"

namespace strata {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;

/// Waits for what another process does.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

std::string read_line(int fd) {
  std::string text;
  for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) text += c;
  return text;
}

/// Dead, though init may not have reaped it yet.
bool is_dead(pid_t pid) {
  auto stat = read_file(AT_FDCWD, fmt::format("/proc/{}/stat", pid));
  return !stat || stat->find(") Z ") != std::string::npos;
}

/// Within the time that a process needs to die: nobody writes to the pipe any more.
bool has_end(int pipe) {
  pollfd end = {pipe, POLLIN, 0};
  return ::poll(&end, 1, 10'000) == 1 && (end.revents & POLLHUP) != 0;
}

/// Containers over a rootfs of one static busybox, once with crun and once with runc.
class Runtime : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "containers need root";
    if (::access("/bin/busybox", X_OK) != 0) FAIL() << "needs busybox-static";
    if (find_program(program()) == program()) FAIL() << "needs " << program();
    base_ = temp_.path();
    for (const char* d : {"layer/bin", "layer/etc", "layer/proc", "layer/sys", "layer/dev", "upper",
                          "work", "rootfs", "bundle", "exit"})
      ASSERT_TRUE(make_dirs(temp_.fd(), d, 0755));
    auto busybox = read_file(AT_FDCWD, "/bin/busybox");
    ASSERT_TRUE(busybox);
    ASSERT_TRUE(write_file(temp_.fd(), "layer/bin/busybox", *busybox, 0755));
    for (const char* name : {"sh", "id", "cat", "sleep", "echo", "pwd", "env", "ls", "ip", "tty"})
      ASSERT_EQ(::symlinkat("busybox", temp_.fd(), (std::string("layer/bin/") + name).c_str()), 0);
    ASSERT_TRUE(write_file(temp_.fd(), "layer/etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0644));
    auto runtime = OciRuntime::open({program(), base_ + "/state"});
    ASSERT_TRUE(runtime) << runtime.error().message();
    runtime_.emplace(*std::move(runtime));
    spec_.rootfs = base_ + "/rootfs";
    spec_.env = {"PATH=/usr/bin:/bin"};
    spec_.hostname = "box";
    spec_.cgroup_mode = runtime_->cgroups().mode;
    spec_.cgroup_path = "/strata-test-" + id_;
  }

  void TearDown() override {
    if (!runtime_) return;
    EXPECT_TRUE(runtime_->remove(id_, true));
    auto state = open_dir(AT_FDCWD, base_ + "/state");
    ASSERT_TRUE(state);
    EXPECT_TRUE(list_dir(state->get())->empty());
  }

  std::string program() const { return GetParam(); }

  void write_config() {
    auto config = runtime_->config(spec_);
    learn_ = config.learn;
    ASSERT_TRUE(write_file(temp_.fd(), "bundle/config.json", config.json, 0600));
  }

  UniqueFd mount() {
    auto mount = mount_overlay({temp_.fd(), {"layer"}, "upper", "work", false});
    EXPECT_TRUE(mount) << mount.error().message();
    return *std::move(mount);
  }

  Result<RunningContainer> start(std::vector<std::string> argv, int out, int err, int in = -1) {
    spec_.argv = std::move(argv);
    write_config();
    auto rootfs = mount();
    StartOptions options;
    options.bundle = base_ + "/bundle";
    options.id = id_;
    options.argv0 = spec_.argv[0];
    options.learn = learn_;
    options.rootfs = {rootfs.get(), spec_.rootfs};
    options.terminal = spec_.terminal;
    options.stdin_fd = in;
    options.stdout_fd = out;
    options.stderr_fd = err;
    return runtime_->start(options);
  }

  /// A container that says "up" and sleeps, while crun cannot write down that there is one: it
  /// opens a pipe that nobody reads. Takes `out`, which only the container has afterwards.
  Result<RunningContainer> start_and_hold(UniqueFd& out) {
    auto container = start({"sh", "-c", "echo up; sleep 30"}, out.get(), -1);
    out = UniqueFd();
    if (program() != "crun" || !container) return container;
    auto dir = base_ + "/state/" + id_;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (::mkfifo((dir + "/status.tmp").c_str(), 0600) < 0)
      if (errno != ENOENT || std::chrono::steady_clock::now() > deadline)
        return Error::from_errno(errno, "hold " + dir);
    return container;
  }

  /// Other programs mount things meanwhile; what counts is below our directory.
  bool is_mounted_here() const {
    return read_file(AT_FDCWD, "/proc/self/mountinfo")->find(temp_.name()) != std::string::npos;
  }

  bool is_running() const {
    auto state = runtime_->state(id_);
    return state && state->status == ContainerStatus::Running;
  }

  struct Ran {
    RunOutcome outcome;
    std::string out;
    std::string err;
  };
  Ran run(std::vector<std::string> argv) {
    UniqueFd out(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    UniqueFd err(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    auto container = start(std::move(argv), out.get(), err.get());
    EXPECT_TRUE(container) << container.error().message();
    auto outcome = container->wait();
    EXPECT_TRUE(outcome);
    ::lseek(out.get(), 0, SEEK_SET);
    ::lseek(err.get(), 0, SEEK_SET);
    return {*std::move(outcome), *read_all(out.get()), *read_all(err.get())};
  }
  Ran sh(const std::string& script) { return run({"sh", "-c", script}); }

  DetachOptions detach_options(const UniqueFd& rootfs) {
    DetachOptions options;
    options.bundle = base_ + "/bundle";
    options.id = id_;
    options.argv0 = spec_.argv[0];
    options.rootfs = {rootfs.get(), spec_.rootfs};
    options.log_path = base_ + "/ctr.log";
    options.exit_dir = base_ + "/exit";
    options.pid_file = base_ + "/pid";
    options.conmon_pid_file = base_ + "/conmon.pid";
    return options;
  }

  TestDir temp_{"strata-runtime-"};
  std::string base_;
  std::string id_ = random_hex(32);
  std::optional<OciRuntime> runtime_;
  ContainerSpec spec_;
  std::string learn_;
};

TEST_P(Runtime, ExitCodeAndOutputAreTheProgramsOwn) {
  auto ran = sh("echo out; echo err >&2; cat; exit 3");
  EXPECT_EQ(ran.outcome.status.code, 3);
  EXPECT_FALSE(ran.outcome.failure);
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
  EXPECT_EQ(sh("exit 255").outcome.status.code, 255);
  EXPECT_EQ(sh("sleep 9 & kill -9 $!; wait $!").outcome.status.code, 137);
}

TEST_P(Runtime, EnvironmentUserAndDirectory) {
  spec_.env.emplace_back("GREETING=two words");
  spec_.uid = 1000;
  spec_.gid = 50;
  spec_.additional_gids = {60, 70};
  spec_.cwd = "/made/here";
  auto ran = sh("echo \"$GREETING\"; id -u; id -g; id -G; pwd; cat /proc/sys/kernel/hostname");
  EXPECT_EQ(ran.out, "two words\n1000\n50\n50 60 70\n/made/here\nbox\n");
}

TEST_P(Runtime, WritesGoToTheUpperDirectoryAndNothingStaysMounted) {
  EXPECT_EQ(sh("echo new > /file; rm /etc/passwd").outcome.status.code, 0);
  EXPECT_EQ(*read_file(temp_.fd(), "upper/file"), "new\n");
  EXPECT_TRUE(stat_at(temp_.fd(), "layer/etc/passwd"));
  EXPECT_FALSE(is_mounted_here());
  auto rootfs = open_dir(temp_.fd(), "rootfs");
  EXPECT_TRUE(list_dir(rootfs->get())->empty());
}

TEST_P(Runtime, NoneHasOnlyALoopbackThatIsUp) {
  auto ran = sh("ls /sys/class/net; ip addr show dev lo");
  EXPECT_TRUE(ran.out.starts_with("lo\n"));
  EXPECT_NE(ran.out.find("127.0.0.1"), std::string::npos) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("UP"), std::string::npos);
}

TEST_P(Runtime, IsFencedIn) {
  auto ran =
      sh("echo x > /proc/sys/kernel/hostname; cat /proc/kcore | wc -c;"
         "busybox unshare -m true; busybox mount -t tmpfs t /bin; echo $?");
  EXPECT_NE(ran.err.find("Read-only file system"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.out, "0\n1\n") << ran.err;
}

TEST_P(Runtime, LimitsApply) {
  spec_.limits.memory = 64 << 20;
  spec_.limits.pids = 100;
  spec_.limits.cpu_quota = 50000;
  spec_.limits.cpu_period = 100000;
  (void)fit_limits(spec_.limits, runtime_->cgroups());
  auto ran = sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max");
  EXPECT_FALSE(ran.outcome.failure) << ran.outcome.failure->message;
  if (spec_.limits.memory) {
    EXPECT_EQ(ran.out, "67108864\n") << ran.err;
  }
}

TEST_P(Runtime, NoLimitIsSaidAsTheRuntimeUnderstandsIt) {
  spec_.limits.pids = -1;
  spec_.limits.cpu_quota = -1;
  (void)fit_limits(spec_.limits, runtime_->cgroups());
  auto ran = sh("echo ran");
  EXPECT_FALSE(ran.outcome.failure) << ran.outcome.failure->message;
  EXPECT_EQ(ran.out, "ran\n");
}

TEST_P(Runtime, ARunningContainerTakesOtherLimits) {
  ASSERT_TRUE(runtime_->cgroups().has("pids") && runtime_->cgroups().has("cpu"));
  auto out = make_pipe();
  ASSERT_TRUE(out);
  // Says its limit whenever that is another one.
  auto running = start({"sh", "-c",
                        "f=/sys/fs/cgroup/pids/pids.max; [ -e $f ] || f=/sys/fs/cgroup/pids.max;"
                        "while :; do now=$(cat $f); [ \"$now\" = \"$last\" ] || echo $now;"
                        "last=$now; sleep 0.02; done"},
                       out->write.get(), out->write.get());
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_GT(running->wait_started(), 0);
  auto line = [&] { return read_line(out->read.get()); };
  EXPECT_EQ(line(), "max");
  ResourceLimits limits;
  EXPECT_TRUE(runtime_->update(id_, limits));
  limits.pids = 50;
  limits.cpu_quota = 50000;
  auto updated = runtime_->update(id_, limits);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(line(), "50");
  limits.pids = -1;
  limits.cpu_quota = -1;
  updated = runtime_->update(id_, limits);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(line(), program() == "crun" ? "4194304" : "max");
  limits.cpu_quota = 1;
  auto refused = runtime_->update(id_, limits);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message().starts_with(program() + ": ")) << refused.error().message();
  EXPECT_TRUE(runtime_->kill(id_, SIGKILL));
  EXPECT_TRUE(running->wait());
}

struct FailureCase {
  std::vector<std::string> argv;
  int exit_code;
  std::string_view why;
};
const FailureCase kFailures[] = {
    {{"/nope"}, 127, "exec: \"/nope\": stat /nope: no such file or directory"},
    {{"nope"}, 127, "exec: \"nope\": executable file not found in $PATH"},
    {{"/etc"}, 126, "exec: \"/etc\": permission denied"},
    {{"/etc/passwd"}, 126, "exec: \"/etc/passwd\": permission denied"},
    {{"/etc/passwd/x"}, 125, "exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory"},
};

TEST_P(Runtime, APhantomProgramGivesDockersMessage) {
  for (const auto& c : kFailures) {
    auto expected = fmt::format(
        "failed to create shim task: OCI runtime create failed: runc create failed: "
        "unable to start container process: {}: unknown",
        c.why);
    auto ran = run(c.argv);
    ASSERT_TRUE(ran.outcome.failure) << c.argv[0];
    EXPECT_EQ(ran.outcome.failure->message, expected);
    EXPECT_EQ(ran.outcome.failure->exit_code, c.exit_code);
    auto checked = check_program(mount().get(), spec_);
    ASSERT_TRUE(checked) << c.argv[0];
    EXPECT_EQ(checked->message, expected);
    EXPECT_EQ(checked->exit_code, c.exit_code);
  }
  spec_.argv = {"sh"};
  EXPECT_FALSE(check_program(mount().get(), spec_));
  spec_.argv = {"/bin/sh"};
  EXPECT_FALSE(check_program(mount().get(), spec_));
  spec_.argv = {"/nope"};
  spec_.mounts = {bind_mount("/bin", "/mnt")};
  EXPECT_FALSE(check_program(mount().get(), spec_));
}

TEST_P(Runtime, AProgramThatTheKernelRefusesIsNoFailureOfTheRuntime) {
  ASSERT_TRUE(write_file(temp_.fd(), "layer/bin/bad", "no program", 0755));
  auto ran = run({"/bin/bad"});
  EXPECT_FALSE(ran.outcome.failure);
  EXPECT_NE(ran.outcome.status.code, 0);
  EXPECT_NE(ran.err.find("xec format error"), std::string::npos) << ran.err;
}

TEST_P(Runtime, KillAndState) {
  auto out = make_pipe();
  ASSERT_TRUE(out);
  auto container = start({"sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done"},
                         out->write.get(), -1);
  ASSERT_TRUE(container);
  out->write = UniqueFd();
  ASSERT_TRUE(eventually([&] { return is_running(); }));
  EXPECT_GT(runtime_->state(id_)->pid, 0);
  EXPECT_EQ(read_line(out->read.get()), "up");
  EXPECT_TRUE(runtime_->kill(id_, SIGTERM));
  auto outcome = container->wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status.code, 5);
  EXPECT_EQ(runtime_->state(id_).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(runtime_->kill(id_, SIGTERM).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(runtime_->remove(id_, false).error().code(), ErrorCode::NotFound);
}

TEST_P(Runtime, KilledIs128AndTheSignal) {
  auto container = start({"sleep", "1000"}, -1, -1);
  ASSERT_TRUE(container);
  ASSERT_TRUE(eventually([&] { return is_running(); }));
  ASSERT_TRUE(runtime_->kill(id_, SIGKILL));
  auto outcome = container->wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status.shell_code(), 137);
  EXPECT_FALSE(outcome->failure);
}

TEST_P(Runtime, ThreadsSubprocessesAndPackageToolsPassTheSeccompFilter) {
  if (::access("/usr/bin/python3", X_OK) != 0 || ::access("/usr/bin/apt-get", X_OK) != 0)
    FAIL() << "needs python3 and apt-get on this machine";
  for (const char* dir : {"/usr", "/lib64", "/lib", "/var/lib", "/var/cache"})
    spec_.mounts.push_back(bind_mount(dir, dir, true));
  spec_.mounts.push_back({"tmpfs", "tmpfs", "/tmp", {"mode=1777"}});
  auto python = run({"/usr/bin/python3", "-c",
                     "import os, socket, subprocess, threading, time\n"
                     "t = threading.Thread(target=time.sleep, args=(0.01,)); t.start(); t.join()\n"
                     "subprocess.run(['/usr/bin/true'], check=True)\n"
                     "socket.socket().bind(('127.0.0.1', 0))\n"
                     "os.mkfifo('/tmp/f'); os.chown('/tmp/f', 1, 1); print('fine')\n"});
  EXPECT_EQ(python.out, "fine\n") << python.err;
  auto apt = run({"/usr/bin/apt-get", "-s", "install", "coreutils"});
  EXPECT_EQ(apt.outcome.status.code, 0) << apt.err;
}

/// The user's terminal: the runtime gets `slave`, the test is the person at `master`.
struct Terminal {
  UniqueFd master;
  UniqueFd slave;

  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    slave = UniqueFd(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  /// A terminal hands on what was written some time after that, and in pieces.
  std::string read_until(std::string_view end) const {
    std::string text;
    char buffer[4096];
    pollfd ready = {master.get(), POLLIN, 0};
    while (text.find(end) == std::string::npos && ::poll(&ready, 1, kPatience / 1ms) == 1) {
      ssize_t n = ::read(master.get(), buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
};

TEST_P(Runtime, ATerminalLosesNoOutput) {
  spec_.terminal = true;
  for (int i = 0; i < 5; i++) {  // crun's own copying loses some of these
    Terminal user;
    auto container =
        start({"sh", "-c", "tty && exit 7"}, user.slave.get(), user.slave.get(), user.slave.get());
    ASSERT_TRUE(container);
    auto outcome = container->wait();
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->status.code, 7);
    EXPECT_EQ(user.read_until("\n"), "/dev/pts/0\r\n");
  }
}

TEST_P(Runtime, ATerminalTakesInputAndHasTheUsersSize) {
  spec_.terminal = true;
  Terminal user;
  winsize size = {33, 77, 0, 0};
  ASSERT_EQ(::ioctl(user.slave.get(), TIOCSWINSZ, &size), 0);
  termios before = {};
  ASSERT_EQ(::tcgetattr(user.slave.get(), &before), 0);
  auto container = start({"sh", "-c", "read -r x; busybox stty size; echo \"<$x>\""},
                         user.slave.get(), user.slave.get(), user.slave.get());
  ASSERT_TRUE(container);
  ASSERT_TRUE(write_all(user.master.get(), "hello\n"));
  auto outcome = container->wait();
  ASSERT_TRUE(outcome) << outcome.error().message();
  auto text = user.read_until("<hello>");
  if (program() == "crun") {  // runc sets the size on its own, some time after the start
    EXPECT_NE(text.find("33 77"), std::string::npos) << text;
  }
  EXPECT_NE(text.find("<hello>"), std::string::npos) << text;
  termios after = {};
  ASSERT_EQ(::tcgetattr(user.slave.get(), &after), 0);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
}

TEST_P(Runtime, ATerminalForAPhantomProgramDoesNotHang) {
  spec_.terminal = true;
  Terminal user;
  auto container = start({"nope"}, user.slave.get(), user.slave.get(), user.slave.get());
  ASSERT_TRUE(container);
  auto outcome = container->wait();
  ASSERT_TRUE(outcome) << outcome.error().message();
  ASSERT_TRUE(outcome->failure);
  EXPECT_EQ(outcome->failure->exit_code, 127);
}

TEST_P(Runtime, DroppedItIsGoneWheneverThatIs) {
  for (int delay_ms : {0, 5, 10, 20, 40, 80, 300}) {
    {
      auto container = start({"sleep", "1000"}, -1, -1);
      ASSERT_TRUE(container);
      std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    }
    EXPECT_EQ(runtime_->state(id_).error().code(), ErrorCode::NotFound) << delay_ms;
  }
}

/// crun writes down the container when its program runs already. Killed before, it would leave a
/// process that no `delete` finds.
TEST_P(Runtime, DroppedItIsGoneAlsoWhenTheRuntimeDoesNotKnowItYet) {
  auto out = make_pipe();
  ASSERT_TRUE(out);
  {
    auto container = start_and_hold(out->write);
    ASSERT_TRUE(container) << container.error().message();
    EXPECT_EQ(read_line(out->read.get()), "up");
  }
  EXPECT_TRUE(has_end(out->read.get()));
  EXPECT_FALSE(runtime_->state(id_));
}

TEST_P(Runtime, DiesWithTheProcessThatStartedItAlsoWhenTheRuntimeDoesNotKnowItYet) {
  auto out = make_pipe();
  ASSERT_TRUE(out);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto container = start_and_hold(out->write);
    if (container) ::pause();
    ::_exit(1);
  }
  out->write = UniqueFd();
  EXPECT_EQ(read_line(out->read.get()), "up");
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it could not hold the container";
  EXPECT_TRUE(has_end(out->read.get()));
  EXPECT_TRUE(eventually([&] { return !runtime_->state(id_); }));
}

/// What crun has compiled for one container is given to it for the next, byte for byte; runc
/// compiles the profile each time.
TEST_P(Runtime, TheSeccompFilterOfTheFirstIsThatOfTheNext) {
  constexpr const char* kAnnotation = "run.oci.seccomp_bpf_data";
  auto filter = [&] {  // of a container that runs
    auto out = make_pipe();
    auto container = start({"sh", "-c", "echo up; sleep 1000"}, out->write.get(), -1);
    EXPECT_TRUE(container) << container.error().message();
    EXPECT_GT(container->wait_started(), 0);
    auto bytes = read_file(AT_FDCWD, base_ + "/state/" + id_ + "/seccomp.bpf");
    return bytes ? *bytes : "";
  };
  auto config = [&] { return *read_file(temp_.fd(), "bundle/config.json"); };
  auto first = filter();
  EXPECT_EQ(config().find(kAnnotation), std::string::npos);
  auto second = filter();
  EXPECT_EQ(first, second);
  bool is_crun = program() == "crun";
  EXPECT_EQ(config().find(kAnnotation) != std::string::npos, is_crun);
  EXPECT_EQ(learn_, "");
  EXPECT_NE(config().find("\"seccomp\":{"), std::string::npos) << "the profile stays beside it";
  EXPECT_NE(sh("cat /proc/self/status").out.find("Seccomp:\t2\n"), std::string::npos);
  if (!is_crun) return;
  EXPECT_EQ(first.size() % 8, 0u);
  EXPECT_GT(first.size(), 1000u);
  // Another set of capabilities is another profile, and annotations of the user's may be anything.
  spec_.capabilities = 0;
  EXPECT_NE(runtime_->config(spec_).learn, "");
  spec_.annotations[kAnnotation] = "AAAA";
  EXPECT_EQ(runtime_->config(spec_).learn, "");
}

TEST_P(Runtime, DiesWithTheProcessThatStartedIt) {
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto container = start({"sleep", "1000"}, -1, -1);
    ::pause();
    ::_exit(0);
  }
  EXPECT_TRUE(eventually([&] { return is_running(); }));
  auto pid = runtime_->state(id_)->pid;
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(eventually([&] { return is_dead(pid); }));
  EXPECT_TRUE(eventually([&] { return !runtime_->state(id_); }));
}

/// Also not where a cgroup2 beside cgroup v1 is mounted, which the runtime does not see.
TEST_P(Runtime, LeavesNothingInTheFileSystemOfCgroups) {
  auto hidden = runtime_->cgroups().unified_mount;
  EXPECT_EQ(sh("exit 0").outcome.status.code, 0);
  auto left = (hidden.empty() ? "/sys/fs/cgroup" : hidden) + spec_.cgroup_path;
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    bool looked = ::unshare(CLONE_NEWNS) == 0 &&
                  ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  (hidden.empty() || ::umount2(hidden.c_str(), MNT_DETACH) == 0);
    ::_exit(!looked ? 2 : ::access(left.c_str(), F_OK) == 0 ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: left behind, 2: could not look";
}

TEST_P(Runtime, DetachedUnderConmon) {
  if (find_program("conmon") == "conmon") FAIL() << "needs conmon";
  spec_.argv = {"sh", "-c", "printf 'one\\ntwo'; echo bad >&2; touch /made; exit 9"};
  write_config();
  auto rootfs = mount();
  auto options = detach_options(rootfs);
  options.exit_command = {"/bin/sh", "-c", "echo done > " + base_ + "/hook"};
  auto detached = create_detached(*runtime_, options);
  ASSERT_TRUE(detached) << detached.error().message();
  ASSERT_FALSE(detached->failure) << detached->failure->message;
  EXPECT_EQ(std::to_string(detached->pid), *read_file(temp_.fd(), "pid"));
  EXPECT_EQ(runtime_->state(id_)->status, ContainerStatus::Created);
  EXPECT_EQ(read_exit_code(options.exit_dir, id_).error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(runtime_->start_created(id_));
  ASSERT_TRUE(eventually([&] { return read_exit_code(options.exit_dir, id_).has_value(); }));
  EXPECT_EQ(*read_exit_code(options.exit_dir, id_), 9);
  EXPECT_TRUE(eventually([&] { return stat_at(temp_.fd(), "hook").has_value(); }));
  EXPECT_EQ(runtime_->state(id_)->status, ContainerStatus::Stopped);
  EXPECT_EQ(runtime_->kill(id_, SIGKILL).error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(runtime_->remove(id_, false));

  K8sLogReader log(*open_at(AT_FDCWD, options.log_path, O_RDONLY));
  std::string out;
  std::string err;
  while (auto record = *log.next())
    (record->stream == LogRecord::Stream::Stdout ? out : err) += record->bytes;
  EXPECT_EQ(out, "one\ntwo");
  EXPECT_EQ(err, "bad\n");
  EXPECT_TRUE(stat_at(temp_.fd(), "upper/made"));
  EXPECT_FALSE(is_mounted_here());
  auto conmon = std::stoi(*read_file(temp_.fd(), "conmon.pid"));
  EXPECT_TRUE(eventually([&] { return is_dead(conmon); }));
}

TEST_P(Runtime, ConmonReportsAPhantomProgram) {
  if (find_program("conmon") == "conmon") FAIL() << "needs conmon";
  spec_.argv = {"nope"};
  write_config();
  auto rootfs = mount();
  auto detached = create_detached(*runtime_, detach_options(rootfs));
  ASSERT_TRUE(detached) << detached.error().message();
  ASSERT_TRUE(detached->failure);
  EXPECT_EQ(detached->failure->exit_code, 127);
  EXPECT_NE(detached->failure->message.find("exec: \"nope\": executable file not found in $PATH"),
            std::string::npos)
      << detached->failure->message;
}

INSTANTIATE_TEST_SUITE_P(Programs, Runtime, testing::Values("crun", "runc"),
                         [](const auto& p) { return p.param; });

TEST(OciRuntimeOpen, UnknownProgramIsNotFound) {
  auto runtime = OciRuntime::open({"no-such-runtime", "/var/tmp/strata-none"});
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace strata
