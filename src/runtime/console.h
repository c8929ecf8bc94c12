#pragma once

#include <termios.h>

#include <string>

#include "base/fd.h"

namespace strata {

/// The unix socket on which a runtime hands over the master end of a container's pseudo-terminal
/// (OCI runtimes, option --console-socket). The file is removed with this object.
class ConsoleSocket {
 public:
  /// Listens at `path`, at most 107 bytes, which must not exist.
  static Result<ConsoleSocket> listen(std::string path);

  ConsoleSocket(ConsoleSocket&& o) noexcept : path_(std::move(o.path_)), fd_(std::move(o.fd_)) {
    o.path_.clear();
  }
  ConsoleSocket& operator=(ConsoleSocket&&) = delete;
  ~ConsoleSocket();

  const std::string& path() const { return path_; }

  /// Waits for the master end. An invalid descriptor if the runtime closes the connection, or its
  /// process, behind `pidfd`, ends before it has sent one.
  Result<UniqueFd> receive(int pidfd) const;

 private:
  ConsoleSocket(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

/// The terminal behind `fd` (borrowed; -1 or no terminal: nothing happens) in raw mode: keys go on
/// as they are, and so does output. The mode that it had comes back with the end of this object.
/// Nested ones do no harm.
class RawMode {
 public:
  explicit RawMode(int fd);
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode();

 private:
  int fd_;
  bool active_ = false;
  termios saved_ = {};
};

/// Copies between a pseudo-terminal and the user's side until the container has closed its end, or
/// the process behind `pidfd` has ended and nothing is left to read. `in` is put into raw mode
/// meanwhile if it is a terminal (-1: no input), and its window size is passed on.
Result<void> relay_terminal(int master, int in, int out, int pidfd);

}  // namespace strata
