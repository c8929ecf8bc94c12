#pragma once

#include <stop_token>

#include "base/byte_stream.h"

namespace strata {

/// Reads a borrowed descriptor until the user asks for the end, which it notices also while a pipe
/// is silent: then Cancelled.
class InterruptibleSource final : public ByteSource {
 public:
  InterruptibleSource(int fd, std::stop_token stop)
      : fd_(fd), stop_(std::move(stop)), source_(fd) {}
  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  int fd_;
  std::stop_token stop_;
  FdSource source_;
};

}  // namespace strata
