#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::cli {

/// One code point of UTF-8 text. Bytes that are no UTF-8 count one by one, as U+FFFD.
struct Rune {
  char32_t value = 0;
  std::size_t size = 0;  // bytes it takes; 0 at the end
  bool valid = true;
};
Rune decode_rune(std::string_view text);
void append_rune(std::string& out, char32_t rune);
std::size_t rune_count(std::string_view text);

/// Go's unicode.IsPrint, decided by block: unassigned code points pass.
bool is_printable(char32_t rune);

}  // namespace strata::cli
