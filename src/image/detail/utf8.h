#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata {

inline constexpr char32_t kReplacementRune = 0xFFFD;

/// One Unicode code point of a byte string.
struct Rune {
  char32_t value = kReplacementRune;
  std::size_t length = 1;  // bytes it takes
  bool valid = false;
};

/// The first code point of `s`, which is not empty. A byte that starts no valid sequence
/// (truncated, overlong, a surrogate, above U+10FFFF) gives U+FFFD of length 1, as Go's
/// utf8.DecodeRune does.
Rune decode_rune(std::string_view s);

/// `c` is a code point that UTF-8 can carry.
void append_utf8(std::string& out, char32_t c);

}  // namespace strata
