// rooms: tar
#include <array>
#include <cstdint>
#include <string>

#include "tar/reader.h"

namespace {

/// What the Reader hands out, in order; false if it refused the stream.
strata::Result<std::string> read_all(std::string_view bytes) {
  strata::StringSource source(bytes);
  strata::tar::Reader reader(source);
  std::string out;
  std::array<char, 300> buffer;
  while (auto entry = TRY(reader.next())) {
    if (entry->size < 0 || entry->mtime.nanoseconds < 0 || entry->mtime.nanoseconds > 999999999 ||
        entry->name.find('\0') != std::string::npos)
      __builtin_trap();
    auto clean = strata::tar::clean_name(entry->name);
    if (clean && (clean->starts_with('/') || clean->ends_with('/'))) __builtin_trap();
    out += reader.raw();
    std::int64_t content = 0;
    while (std::size_t n = TRY(reader.read(buffer))) {
      out.append(buffer.data(), n);
      content += static_cast<std::int64_t>(n);
    }
    if (content != entry->size) __builtin_trap();
  }
  out += reader.raw();
  TRY(reader.read_rest([&](std::string_view piece) {
    out += piece;
    return strata::Result<void>();
  }));
  return out;
}

}  // namespace

// Any bytes are refused, or handed out completely: tar-split rests on that.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto out = read_all(bytes);
  if (out && *out != bytes) __builtin_trap();
  return 0;
}
