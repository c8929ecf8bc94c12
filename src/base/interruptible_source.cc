#include "base/interruptible_source.h"

#include <poll.h>

#include <cerrno>

namespace strata {

Result<std::size_t> InterruptibleSource::read(std::span<char> buffer) {
  constexpr int kLookInterval = 50;  // milliseconds
  pollfd waiting = {fd_, POLLIN, 0};
  while (!stop_.stop_requested()) {
    int ready = ::poll(&waiting, 1, kLookInterval);
    if (ready > 0) return source_.read(buffer);
    if (ready < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
  }
  return Error(ErrorCode::Cancelled, "cancelled");
}

}  // namespace strata
