#pragma once

#include <memory>

#include "base/byte_stream.h"

namespace strata {

/// The decompressed bytes of a Zstandard file (RFC 8878): one or more frames; skippable ones give
/// nothing, checksums are verified where there are some. Memory: the window that the file asks for,
/// 8 MiB for `zstd -19`, never more than 128 MiB. One thread at a time.
///
/// read() gives Corrupt, "unexpected EOF" if the file ends inside a frame (an empty file has none,
/// so it is one), "zstd: ..." if it is damaged or if something that is no frame follows;
/// Unsupported, "zstd: ...", if it needs more memory or a dictionary.
class ZstdReader final : public ByteSource {
 public:
  /// Borrows `source`, and reads it to its end.
  explicit ZstdReader(ByteSource& source);
  ~ZstdReader() override;

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata
