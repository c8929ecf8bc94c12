// rooms: compress
// libraries: ZLIB::ZLIB
#include <zlib.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compress/gzip_reader.h"

namespace {

constexpr std::size_t kMost = std::size_t{8} << 20;  // a small input may stand for very much

strata::Result<std::string> read_all(std::string_view bytes) {
  strata::StringSource source(bytes);
  strata::GzipReader reader(source);
  std::string out;
  std::array<char, 3001> buffer;
  while (std::size_t n = TRY(reader.read(buffer))) {
    out.append(buffer.data(), n);
    if (out.size() > kMost) return strata::Error(strata::ErrorCode::Unsupported, "long");
  }
  return out;
}

/// The same by zlib; false if it refuses.
bool zlib_reads(std::string bytes, std::string& out) {
  z_stream z = {};
  if (inflateInit2(&z, 15 + 16) != Z_OK) __builtin_trap();
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  std::vector<char> buffer(1 << 16);
  int status = Z_OK;
  while (status == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&z, Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - z.avail_out);
    if (status == Z_STREAM_END && z.avail_in > 0) status = inflateReset(&z);
  }
  inflateEnd(&z);
  return status == Z_STREAM_END;
}

}  // namespace

// What we read is what zlib reads.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  auto ours = read_all(bytes);
  if (!ours) return 0;
  std::string theirs;
  if (!zlib_reads(bytes, theirs) || theirs != *ours) __builtin_trap();
  return 0;
}
