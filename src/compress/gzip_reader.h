#pragma once

#include <memory>

#include "base/byte_stream.h"

namespace strata {

/// The decompressed bytes of a gzip stream (RFC 1952) of one or more members. Checks every member's
/// CRC and length. Memory: about 200 KiB, whatever the input. One thread at a time.
///
/// read() gives Corrupt, "unexpected EOF" if the stream ends inside a member (an empty stream has
/// none, so it is one), "gzip: ..." if it is damaged or if something that is no member follows.
class GzipReader final : public ByteSource {
 public:
  /// Borrows `source`, and reads it to its end.
  explicit GzipReader(ByteSource& source);
  ~GzipReader() override;

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata
