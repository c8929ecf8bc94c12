#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/byte_stream.h"

namespace strata {

/// What a file holds, judged by its first bytes.
enum class StreamFormat : std::uint8_t {
  Unknown,  // anything else; also a tar without "ustar" (v7) and the empty tar
  Tar,      // "ustar" at offset 257: POSIX, PAX or GNU
  Gzip,     // RFC 1952
  Bzip2,    // "BZh"
  Xz,       // xz-file-format.txt, 2.1.1.1
  Zstd,     // RFC 8878, a Zstandard or a skippable frame
};

/// As many bytes as detect_format() ever looks at.
inline constexpr std::size_t kDetectBytes = 262;

/// `head` is the start of the stream; with fewer than kDetectBytes of a longer stream a tar is not
/// recognised.
StreamFormat detect_format(std::string_view head);

/// "gzip", "tar", ...; "unknown".
std::string_view format_name(StreamFormat format);

/// `source` without its compression, whatever detect_format() finds: the bytes as they are if it
/// finds none. Borrows `source`. What reading it can say stands at the reader of each format.
Result<std::unique_ptr<ByteSource>> decompress(ByteSource& source);

}  // namespace strata
