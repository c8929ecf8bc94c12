#include "image/go_quote.h"

#include <fmt/core.h>

#include "image/detail/printable.h"
#include "image/detail/utf8.h"

namespace strata {
namespace {

void append_rune(std::string& out, char32_t c, char quote) {
  static constexpr std::string_view kNamed = "\a\b\f\n\r\t\v";
  static constexpr std::string_view kLetters = "abfnrtv";
  if (c == static_cast<unsigned char>(quote) || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (is_printable(c)) {
    append_utf8(out, c);
  } else if (c < 0x20 && kNamed.find(static_cast<char>(c)) != std::string_view::npos) {
    out += '\\';
    out += kLetters[kNamed.find(static_cast<char>(c))];
  } else {
    const auto n = static_cast<unsigned>(c);
    if (n < 0x20 || n == 0x7F) {
      out += fmt::format("\\x{:02x}", n);
    } else if (n < 0x10000) {
      out += fmt::format("\\u{:04x}", n);
    } else {
      out += fmt::format("\\U{:08x}", n);
    }
  }
}

}  // namespace

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = decode_rune(text);
    if (rune.valid) {
      append_rune(out, rune.value, '"');
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    }
    text.remove_prefix(rune.length);
  }
  return out + '"';
}

std::string go_quote(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) {
    if (out.size() > 1) out += ' ';
    out += go_quote(item);
  }
  return out + ']';
}

std::string go_quote_rune(char32_t c) {
  const bool surrogate = c >= 0xD800 && c < 0xE000;
  std::string out = "'";
  append_rune(out, surrogate || c > 0x10FFFF ? kReplacementRune : c, '\'');
  return out + '\'';
}

}  // namespace strata
