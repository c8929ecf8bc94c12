// rooms: compress
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "compress/detect.h"

namespace {

constexpr std::size_t kMost = std::size_t{4} << 20;  // a small input may stand for very much

class Pieces final : public strata::ByteSource {
 public:
  Pieces(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}
  strata::Result<std::size_t> read(std::span<char> buffer) override {
    return rest_.read(buffer.first(std::min(piece_, buffer.size())));
  }

 private:
  strata::StringSource rest_;
  std::size_t piece_;
};

strata::Result<std::string> plain(std::string_view bytes, std::size_t in, std::size_t out) {
  Pieces source(bytes, in);
  auto reader = TRY(strata::decompress(source));
  std::string text;
  std::vector<char> buffer(out);
  while (std::size_t n = TRY(reader->read(buffer))) {
    text.append(buffer.data(), n);
    if (text.size() > kMost) return strata::Error(strata::ErrorCode::Unsupported, "long");
  }
  return text;
}

}  // namespace

// Whatever the format, the pieces in which bytes come and go do not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  auto at_once = plain(bytes, kMost, 1 << 16);
  auto in_pieces = plain(bytes, 3, 4099);
  if (static_cast<bool>(at_once) != static_cast<bool>(in_pieces)) __builtin_trap();
  if (at_once && *at_once != *in_pieces) __builtin_trap();
  return 0;
}
