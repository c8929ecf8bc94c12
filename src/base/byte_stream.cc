#include "base/byte_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace strata {

Result<std::size_t> FdSource::read(std::span<char> buffer) {
  while (true) {
    ssize_t n = ::read(fd_, buffer.data(), buffer.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return Error::from_errno(errno, "read");
  }
}

Result<std::size_t> StringSource::read(std::span<char> buffer) {
  std::size_t n = std::min(buffer.size(), rest_.size());
  std::copy_n(rest_.data(), n, buffer.data());
  rest_.remove_prefix(n);
  return n;
}

Result<std::size_t> LimitedSource::read(std::span<char> buffer) {
  std::size_t n = TRY(source_.read(buffer));
  bytes_ += static_cast<std::int64_t>(n);
  if (limit_ > 0 && bytes_ > limit_)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{} is larger than {} bytes", what_, limit_));
  return n;
}

Result<std::size_t> read_full(ByteSource& source, std::span<char> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    std::size_t n = TRY(source.read(buffer.subspan(done)));
    if (n == 0) break;
    done += n;
  }
  return done;
}

}  // namespace strata
