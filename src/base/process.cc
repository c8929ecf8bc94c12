#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/io.h"

namespace strata {
namespace {

constexpr std::size_t kCaptureLimit = std::size_t{16} << 20;

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

void reset_signals() {
  for (int s = 1; s < NSIG; s++) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(s, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool move_fd(int from, int to) {
  if (from < 0) return true;
  if (from == to) return ::fcntl(to, F_SETFD, 0) == 0;
  return ::dup2(from, to) >= 0;
}

/// What the child works with, in memory that it shares with its parent until exec.
struct Launch {
  const Command& command;
  const char* program;
  char* const* argv;
  char* const* env;
  int null_fd;
  pid_t parent;
  int error = 0;  // errno of what the child could not do
};

constexpr std::size_t kLaunchStack = std::size_t{64} << 10;

// TSan can follow a copy of a process, not one that shares its memory. There the exit code 127
// alone tells of a program that could not be started.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRATA_COPY_TO_LAUNCH
#endif
#elif defined(__SANITIZE_THREAD__)
#define STRATA_COPY_TO_LAUNCH
#endif
#ifdef STRATA_COPY_TO_LAUNCH
constexpr int kLaunchFlags = SIGCHLD;
#else
constexpr int kLaunchFlags = CLONE_VM | CLONE_VFORK | SIGCHLD;
#endif

/// The child's side up to exec; what it returns is the exit code of one that did not get there.
int child(void* argument) {
  auto& launch = *static_cast<Launch*>(argument);
  const Command& command = launch.command;
  reset_signals();
  bool ok = true;
  if (command.die_with_parent) {
    ok = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (::getppid() != launch.parent) return 127;
  }
  if (ok && command.new_session) ok = ::setsid() >= 0;
  ok = ok && move_fd(command.stdin_fd >= 0 ? command.stdin_fd : launch.null_fd, 0) &&
       move_fd(command.stdout_fd, 1) && move_fd(command.stderr_fd, 2);
  for (int fd : command.keep_fds) ok = ok && ::fcntl(fd, F_SETFD, 0) == 0;
  if (ok && command.in_child) ok = command.in_child() == 0;
  if (ok && command.program_fd >= 0)
    ::execveat(command.program_fd, "", launch.argv, launch.env, AT_EMPTY_PATH);
  else if (ok)
    ::execve(launch.program, launch.argv, launch.env);
  launch.error = errno;
  return 127;
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    auto colon = rest.find(':');
    auto candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return name;
}

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return Error::from_errno(errno, "pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<Process> Process::start(const Command& command) {
  auto null = TRY(open_at(AT_FDCWD, "/dev/null", O_RDWR));
  // execvpe would search in the child, with allocation.
  auto program = command.program_fd >= 0 ? "" : find_program(command.argv.at(0));
  auto argv = c_strings(command.argv);
  auto env = command.env ? c_strings(*command.env) : std::vector<char*>();
  char* const* envp = command.env ? env.data() : environ;
  Launch launch{command, program.c_str(), argv.data(), envp, null.get(), ::getpid()};
  std::unique_ptr<char[]> stack(new char[kLaunchStack]);
  // Nothing of ours may be delivered to the child before it has reset its handlers.
  sigset_t all;
  sigset_t old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  // As vfork, but on a stack of its own: our pages are neither copied nor marked to be copied, and
  // this thread goes on when the child has become its program.
  pid_t pid = ::clone(child, stack.get() + kLaunchStack, kLaunchFlags, &launch);
  int clone_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (pid < 0) return Error::from_errno(clone_error, "clone");

  Process process(pid);
  if (launch.error != 0) {
    (void)process.wait();
    return Error::from_errno(launch.error, "exec " + command.argv[0]);
  }
  return process;
}

Process::~Process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  (void)wait();
}

Result<void> Process::kill(int signal) {
  if (pid_ > 0 && ::kill(pid_, signal) < 0) return Error::from_errno(errno, "kill");
  return {};
}

Result<ExitStatus> Process::wait() {
  int status = 0;
  pid_t pid = std::exchange(pid_, -1);
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "wait");
  if (WIFSIGNALED(status)) return ExitStatus{0, WTERMSIG(status)};
  return ExitStatus{WEXITSTATUS(status), 0};
}

Result<Output> run_and_capture(Command command, std::string_view input) {
  auto in = TRY(make_pipe());
  auto out = TRY(make_pipe());
  auto err = TRY(make_pipe());
  command.stdin_fd = in.read.get();
  command.stdout_fd = out.write.get();
  command.stderr_fd = err.write.get();
  auto process = TRY(Process::start(command));
  for (UniqueFd* end : {&in.read, &out.write, &err.write}) *end = UniqueFd();  // the child's
  if (input.empty()) in.write = UniqueFd();

  Output result;
  std::array<std::string*, 2> sinks = {&result.out, &result.err};
  std::array<pollfd, 3> fds = {pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0},
                               pollfd{in.write.get(), POLLOUT, 0}};
  std::array<char, 65536> buffer{};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return Error::from_errno(errno, "poll");
    }
    for (std::size_t i = 0; i < 2; i++) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        fds[i].fd = -1;
      else if (sinks[i]->size() < kCaptureLimit)
        sinks[i]->append(buffer.data(), static_cast<std::size_t>(n));
    }
    if (fds[2].fd >= 0 && fds[2].revents != 0) {
      // SIGPIPE is ignored by the program (cli); a child that does not read ends the input.
      ssize_t n = (fds[2].revents & POLLERR) != 0
                      ? -1
                      : ::write(fds[2].fd, input.data(), std::min<std::size_t>(input.size(), 4096));
      if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 || input.empty()) {
        fds[2].fd = -1;
        in.write = UniqueFd();
      }
    }
  }
  result.status = TRY(process.wait());
  return result;
}

}  // namespace strata
