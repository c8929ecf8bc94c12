#include "runtime/conmon_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/io.h"

namespace strata {
namespace {

constexpr char kStderr = 3;  // else stdout, 2
constexpr std::size_t kMostInput = 8192;

}  // namespace

Result<ConmonStream> ConmonStream::connect(const std::string& bundle) {
  auto directory = TRY(open_dir(AT_FDCWD, bundle));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return Error::from_errno(errno, "socket");
  // An address has room for 107 bytes; the bundle's path may be longer.
  auto path = fmt::format("/proc/self/fd/{}/attach", directory.get());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return ConmonStream(std::move(directory), std::move(socket));
  if (errno == ENOENT || errno == ECONNREFUSED)
    return Error(ErrorCode::NotFound, "no conmon listens at " + bundle + "/attach");
  return Error::from_errno(errno, "connect " + bundle + "/attach");
}

Result<std::optional<ConmonStream::Output>> ConmonStream::read() {
  while (true) {
    ssize_t n = ::recv(socket_.get(), packet_.data(), packet_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != ECONNRESET) return Error::from_errno(errno, "read from conmon");
    if (n <= 0) return std::optional<Output>();
    auto size = static_cast<std::size_t>(n) - 1;
    if (size == 0) continue;
    return std::optional(Output{packet_[0] == kStderr, {packet_.data() + 1, size}});
  }
}

Result<void> ConmonStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, kMostInput);
    ssize_t n = ::send(socket_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "write to conmon");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

void ConmonStream::resize(unsigned rows, unsigned columns) {
  // A FIFO, whose reader is conmon: without one nobody waits here.
  UniqueFd control(::openat(bundle_.get(), "ctl", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (control) (void)write_all(control.get(), fmt::format("1 {} {}\n", rows, columns));
}

}  // namespace strata
