#pragma once

#include <memory>

#include "base/byte_stream.h"

namespace strata {

/// The decompressed bytes of a bzip2 file: one or more streams, each with its checksum. Memory: at
/// most 4 MiB. One thread at a time.
///
/// read() gives Corrupt, "unexpected EOF" if the file ends inside a stream (an empty file has none,
/// so it is one), "bzip2: ..." if it is damaged or if something that is no stream follows.
class Bzip2Reader final : public ByteSource {
 public:
  /// Borrows `source`, and reads it to its end.
  explicit Bzip2Reader(ByteSource& source);
  ~Bzip2Reader() override;

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata
