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

/// Go's strconv.Quote: "a\tb\u00a0\xff". Whether a rune is printable is decided by block, not by
/// Unicode's full table: unassigned code points pass as they are.
std::string go_quote(std::string_view text);
/// Go's strconv.QuoteRune: 'x'.
std::string go_quote_rune(char32_t rune);
/// Go's unicode.IsPrint, in the approximation of go_quote.
bool is_printable(char32_t rune);

}  // namespace strata::cli
