#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Code points of UTF-8 text, as Go sees them: docker's lexers work on Go runes.
namespace strata::dockerfile::detail {

struct Rune {
  char32_t value;    // kBadByte + the byte for a byte that is no UTF-8
  std::size_t size;  // bytes, at least 1
};

/// Where bytes that are no UTF-8 go, so that they come out unchanged: no code point of UTF-8 text
/// is in 0xDC00..0xDCFF.
inline constexpr char32_t kBadByte = 0xDC00;

/// The code point at `at`, which must be within `text`.
Rune decode_rune(std::string_view text, std::size_t at);
void append_rune(std::string& out, char32_t rune);

/// White space, letters and decimal digits as Go's unicode package has them.
bool is_space(char32_t rune);
bool is_letter(char32_t rune);
bool is_digit(char32_t rune);

}  // namespace strata::dockerfile::detail
