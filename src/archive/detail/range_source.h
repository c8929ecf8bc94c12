#pragma once

#include <cstdint>

#include "base/byte_stream.h"

namespace strata::archive::detail {

/// Reads a part of a file by pread(2); the file's offset stays. Gives at most `piece` bytes at a
/// time. Corrupt "unexpected EOF" if the file ends inside the part.
class RangeSource final : public ByteSource {
 public:
  RangeSource(int fd, std::int64_t begin, std::int64_t size, std::size_t piece = kAll)
      : fd_(fd), at_(begin), left_(size), piece_(piece) {}

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  static constexpr std::size_t kAll = std::size_t{1} << 30;

  int fd_;
  std::int64_t at_;
  std::int64_t left_;
  std::size_t piece_;
};

}  // namespace strata::archive::detail
