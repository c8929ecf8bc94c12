#pragma once

#include <string>
#include <string_view>

namespace strata::cli {

/// Whether lines on `fd` can be written anew: it is a terminal, and TERM is neither unset nor
/// "dumb".
bool can_rewrite_lines(int fd);

/// Not with NO_COLOR (https://no-color.org).
bool colour_wanted();

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};
TerminalSize terminal_size(int fd);

/// The columns that a character takes: 2 for wide ones (Han, Hangul, kana, emoji), 0 for marks that
/// stand on the one before.
int rune_width(char32_t rune);
std::size_t text_width(std::string_view text);

/// The start of `text` that fits into `columns`, as one line: what cannot be printed is left out,
/// colours and other sequences of a terminal as a whole. A tab is a blank.
std::string fit(std::string_view text, std::size_t columns);

}  // namespace strata::cli
