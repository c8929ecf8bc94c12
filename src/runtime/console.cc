#include "runtime/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/io.h"

namespace strata {
namespace {

/// How soon a new window size is noticed. Asking costs one ioctl, and no signal handler is needed.
constexpr int kWindowCheckMs = 250;

Result<void> wait_for(std::span<pollfd> fds, int timeout_ms = -1) {
  while (::poll(fds.data(), fds.size(), timeout_ms) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "poll");
  return {};
}

Result<UniqueFd> receive_descriptor(int connection) {
  char byte[4096];
  iovec data = {byte, sizeof byte};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  while ((n = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "receive terminal");
  if (n == 0) return UniqueFd();  // it failed after connecting
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return Error(ErrorCode::System, "runtime sent no terminal");
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

class Relay {
 public:
  Relay(int master, int in, int out, int pidfd)
      : master_(master), in_(in), out_(out), pidfd_(pidfd) {}

  Result<void> run() {
    int terminal = in_;
    while (true) {
      pass_window_size(terminal);
      std::array<pollfd, 3> fds = {
          pollfd{master_, static_cast<short>(pending_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
          pollfd{pending_.empty() ? in_ : -1, POLLIN, 0}, pollfd{pidfd_, POLLIN, 0}};
      TRY(wait_for(fds, kWindowCheckMs));
      if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        if (!TRY(copy_output())) return {};
      } else if (fds[2].revents != 0) {
        return {};  // the runtime has ended, and all output is read
      }
      if ((fds[0].revents & POLLOUT) != 0) TRY(write_pending());
      if (fds[1].revents != 0) TRY(read_input());
    }
  }

 private:
  void pass_window_size(int terminal) {
    winsize now = {};
    if (terminal < 0 || ::ioctl(terminal, TIOCGWINSZ, &now) < 0) return;
    if (now.ws_row == size_.ws_row && now.ws_col == size_.ws_col) return;
    size_ = now;
    ::ioctl(master_, TIOCSWINSZ, &now);
  }

  /// False at the end: a master gives EIO when nobody has the other side open any more.
  Result<bool> copy_output() {
    ssize_t n = ::read(master_, buffer_.data(), buffer_.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (n <= 0) return false;
    TRY(write_all(out_, {buffer_.data(), static_cast<std::size_t>(n)}));
    return true;
  }

  Result<void> read_input() {
    ssize_t n = ::read(in_, buffer_.data(), buffer_.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n <= 0) {
      in_ = -1;  // the container goes on without input
      return {};
    }
    pending_.assign(buffer_.data(), static_cast<std::size_t>(n));
    return write_pending();
  }

  /// Never blocks: a program that does not read must not keep its own output from us.
  Result<void> write_pending() {
    ssize_t n = ::write(master_, pending_.data(), pending_.size());
    if (n > 0) pending_.erase(0, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR && errno != EAGAIN) pending_.clear();  // nobody will read it
    return {};
  }

  int master_;
  int in_;
  int out_;
  int pidfd_;
  winsize size_ = {};
  std::string pending_;  // input that the container has not taken yet
  std::array<char, 16384> buffer_ = {};
};

}  // namespace

RawMode::RawMode(int fd) : fd_(fd) {
  active_ = fd >= 0 && ::tcgetattr(fd, &saved_) == 0;
  if (!active_) return;
  termios raw = saved_;
  ::cfmakeraw(&raw);
  ::tcsetattr(fd, TCSADRAIN, &raw);
}

RawMode::~RawMode() {
  if (active_) ::tcsetattr(fd_, TCSADRAIN, &saved_);
}

Result<ConsoleSocket> ConsoleSocket::listen(std::string path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error(ErrorCode::InvalidArgument, "path of a socket is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return Error::from_errno(errno, "bind " + path);
  ConsoleSocket bound(std::move(path), std::move(fd));
  if (::listen(bound.fd_.get(), 1) < 0) return Error::from_errno(errno, "listen");
  return bound;
}

ConsoleSocket::~ConsoleSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<UniqueFd> ConsoleSocket::receive(int pidfd) const {
  std::array<pollfd, 2> fds = {pollfd{fd_.get(), POLLIN, 0}, pollfd{pidfd, POLLIN, 0}};
  TRY(wait_for(fds));
  if (fds[0].revents == 0) return UniqueFd();
  UniqueFd connection(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return Error::from_errno(errno, "accept");
  fds[0] = pollfd{connection.get(), POLLIN, 0};
  TRY(wait_for(fds));
  if (fds[0].revents == 0) return UniqueFd();
  return receive_descriptor(connection.get());
}

Result<void> relay_terminal(int master, int in, int out, int pidfd) {
  if (::fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0) return Error::from_errno(errno, "fcntl");
  RawMode raw(in);
  return Relay(master, in, out, pidfd).run();
}

}  // namespace strata
