#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace strata {

/// Bytes that are read once, front to back. One thread at a time.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  /// Fills some of `buffer` and says how much; 0 only at the end (or for an empty buffer).
  virtual Result<std::size_t> read(std::span<char> buffer) = 0;
};

/// Takes bytes one piece after the other; the view lives only during the call. An error stops the
/// side that gives them, which returns it.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

/// Reads a borrowed descriptor from its current offset.
class FdSource final : public ByteSource {
 public:
  explicit FdSource(int fd) : fd_(fd) {}
  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  int fd_;
};

/// Reads borrowed memory.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) : rest_(bytes) {}
  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  std::string_view rest_;
};

/// Gives what a borrowed source gives, up to `limit` bytes: more is an error, not an end. 0: no
/// limit.
class LimitedSource final : public ByteSource {
 public:
  /// `what` begins the error: "<what> is larger than 1000 bytes".
  LimitedSource(ByteSource& source, std::int64_t limit, std::string what)
      : source_(source), limit_(limit), what_(std::move(what)) {}
  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  ByteSource& source_;
  std::int64_t limit_;
  std::string what_;
  std::int64_t bytes_ = 0;
};

/// Reads until `buffer` is full or the end; fewer bytes than asked for mean the end.
Result<std::size_t> read_full(ByteSource& source, std::span<char> buffer);

}  // namespace strata
