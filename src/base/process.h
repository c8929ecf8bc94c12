#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace strata {

/// How a child process ended.
struct ExitStatus {
  int code = 0;    // exit code if it ended by itself
  int signal = 0;  // else the signal that ended it

  bool success() const { return code == 0 && signal == 0; }
  /// As a shell reports it: the exit code, or 128 + signal.
  int shell_code() const { return signal != 0 ? 128 + signal : code; }
};

/// What to start, and with which descriptors.
struct Command {
  std::vector<std::string> argv;                // argv[0] is looked up in PATH
  int program_fd = -1;                          // executed instead, unless -1; O_PATH will do
  std::optional<std::vector<std::string>> env;  // nullopt: that of this process
  int stdin_fd = -1;                            // -1: /dev/null
  int stdout_fd = -1;                           // -1: inherited
  int stderr_fd = -1;                           // -1: inherited
  /// Further descriptors the child keeps, under the same number (close-on-exec is taken off).
  std::vector<int> keep_fds;
  /// Runs in the child before exec, for mounts and namespaces. Only async-signal-safe calls: no
  /// allocation, no locks. It works in the memory of this process, whose other threads go on: what
  /// it changes there stays changed. Not zero = do not exec; errno goes back to the parent.
  std::function<int()> in_child;
  bool new_session = false;     // setsid: not reached by the terminal's Ctrl-C
  bool die_with_parent = true;  // SIGKILL when the thread that started it ends
};

/// A child process. Destroyed while running, it is killed and reaped.
class Process {
 public:
  /// Starts it with default signal handling and an empty signal mask. NotFound if there is no such
  /// program; an error of `in_child` or exec comes back as System with its errno.
  static Result<Process> start(const Command& command);

  Process(Process&& o) noexcept : pid_(std::exchange(o.pid_, -1)) {}
  Process& operator=(Process&& o) noexcept {
    std::swap(pid_, o.pid_);
    return *this;
  }
  ~Process();

  pid_t pid() const { return pid_; }
  Result<void> kill(int signal);
  /// Waits for the end and reaps it. Once only.
  Result<ExitStatus> wait();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

/// The executable `name` in PATH, as a path; `name` itself if it has a slash or is not found.
std::string find_program(const std::string& name);

struct Output {
  ExitStatus status;
  std::string out;
  std::string err;
};

/// Starts, collects stdout and stderr (at most 16 MiB each) and waits. stdin is /dev/null, unless
/// `input` is given.
Result<Output> run_and_capture(Command command, std::string_view input = {});

/// A pipe, both ends close-on-exec.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Result<Pipe> make_pipe();

}  // namespace strata
