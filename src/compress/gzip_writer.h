#pragma once

#include <memory>
#include <string_view>

#include "base/byte_stream.h"

namespace strata {

/// Compresses a stream to one gzip member (RFC 1952): mtime 0, no name, OS byte 255, as Go writes
/// it. Made for speed (ISA-L, level 1), for files that are written often and read rarely.
/// The output depends on the bytes alone, not on how they were cut into writes; another version of
/// ISA-L or another kind of CPU may give other bytes. One thread at a time.
class GzipWriter {
 public:
  /// Compressed bytes go to `sink`, in pieces of at most 64 KiB. What that takes (memory, the
  /// library) comes with the first write, on the thread that makes it.
  explicit GzipWriter(ByteSink sink);
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();

  /// Errors are the sink's. After one the writer is of no more use.
  Result<void> write(std::string_view bytes);
  /// Ends the member. Exactly once; a writer dropped without it leaves a truncated stream.
  Result<void> finish();

 private:
  struct State;
  State& state();

  ByteSink sink_;                 // of the state to be
  std::unique_ptr<State> state_;  // since the first write
};

}  // namespace strata
