#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/byte_stream.h"

namespace strata {

/// How a layer is packed for a registry.
enum class Compression : std::uint8_t { None, Gzip, Zstd };

/// "uncompressed", "gzip" or "zstd", as BuildKit's option has them.
std::optional<Compression> parse_compression(std::string_view text);

/// Compresses one stream, on threads of its own. The bytes depend on those that come in alone: not
/// on the number of threads, nor on how they were cut into writes. (Another version of ISA-L or
/// libzstd, or another kind of CPU, may give others.) One thread at a time may call.
class Compressor {
 public:
  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  virtual ~Compressor() = default;

  /// Errors are the sink's. After one it is of no more use.
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Ends the stream. Exactly once; without it the output is cut off.
  virtual Result<void> finish() = 0;
};

/// The most threads that help: memory is about a MiB for each.
inline constexpr unsigned kMostCompressors = 8;

/// Compressed bytes go to `sink`, on the thread that writes. `threads`: 0 for as many as there are
/// processors; at most kMostCompressors.
///
/// Gzip: one member (RFC 1952, mtime 0, no name, OS byte 255); blocks of 256 KiB are deflated by
/// ISA-L's level 1, each with the 32 KiB before it as its dictionary, and end at a byte. Zstd: one
/// frame of level 3 with a checksum.
std::unique_ptr<Compressor> make_compressor(Compression how, ByteSink sink, unsigned threads = 0);

}  // namespace strata
