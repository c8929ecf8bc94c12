#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// An ASCII digit, whatever the locale.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A hexadecimal digit of either case.
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// The parts of `text` between separators, empty ones too: "a//b" has three, "" has one.
/// They point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The parts of `text` between blanks, tabs and ends of lines, none of them empty.
/// They point into `text`.
std::vector<std::string_view> split_words(std::string_view text);

/// Words with `separator` between them.
std::string join(const std::vector<std::string>& words, std::string_view separator);

}  // namespace strata
