#pragma once

#include <memory>

#include "base/byte_stream.h"

namespace strata {

/// The decompressed bytes of an .xz file (xz-file-format.txt): one or more streams with padding
/// between them; the integrity checks are verified. Memory: the dictionary that the file asks for,
/// 64 MiB for `xz -9`, never more than 256 MiB. One thread at a time.
///
/// read() gives Corrupt, "unexpected EOF" if the file ends inside a stream (an empty file has none,
/// so it is one), "xz: ..." if it is damaged; Unsupported, "xz: ...", if it needs more memory or a
/// filter that is not known.
class XzReader final : public ByteSource {
 public:
  /// Borrows `source`, and reads it to its end.
  explicit XzReader(ByteSource& source);
  ~XzReader() override;

  Result<std::size_t> read(std::span<char> buffer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata
