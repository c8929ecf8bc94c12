#include "image/detail/utf8.h"

namespace strata {
namespace {

struct Lead {
  std::size_t length;
  char32_t bits;      // payload of the first byte
  char32_t smallest;  // below this the sequence is overlong
};

Lead classify(unsigned char c) {
  if (c < 0x80) return {1, c, 0};
  if (c >= 0xC2 && c < 0xE0) return {2, c & 0x1FU, 0x80};
  if (c >= 0xE0 && c < 0xF0) return {3, c & 0x0FU, 0x800};
  if (c >= 0xF0 && c < 0xF5) return {4, c & 0x07U, 0x10000};
  return {0, 0, 0};
}

}  // namespace

Rune decode_rune(std::string_view s) {
  const Lead lead = classify(static_cast<unsigned char>(s[0]));
  if (lead.length == 0 || lead.length > s.size()) return {};
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.length; i++) {
    const auto c = static_cast<unsigned char>(s[i]);
    if ((c & 0xC0U) != 0x80) return {};
    value = (value << 6) | (c & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  if (value < lead.smallest || surrogate || value > 0x10FFFF) return {};
  return {value, lead.length, true};
}

void append_utf8(std::string& out, char32_t c) {
  auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

}  // namespace strata
