#include "registry/detail/warning.h"

#include <algorithm>

namespace strata::registry::detail {
namespace {

constexpr std::size_t kMostWarnings = 10;
constexpr std::size_t kLongestText = 1000;  // bytes

/// Takes a quoted string from the start of `rest`; false if there is none.
bool take_quoted(std::string_view& rest, std::string& text) {
  if (!rest.starts_with('"')) return false;
  for (std::size_t i = 1; i < rest.size(); i++) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) i++;
    auto c = static_cast<unsigned char>(rest[i]);
    if (text.size() < kLongestText) text += c < 0x20 || c == 0x7f ? ' ' : rest[i];
  }
  return false;
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
}

std::string_view take_word(std::string_view& rest) {
  auto word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  skip_blanks(rest);
  return word;
}

}  // namespace

std::vector<std::string> parse_warnings(std::string_view header) {
  std::vector<std::string> all;
  for (skip_blanks(header); !header.empty() && all.size() < kMostWarnings; skip_blanks(header)) {
    auto code = take_word(header);
    take_word(header);  // who warns
    std::string text;
    if (!take_quoted(header, text)) break;
    if (code == "299" && !text.empty()) all.push_back(std::move(text));
    skip_blanks(header);
    std::string date;
    if (header.starts_with('"') && !take_quoted(header, date)) break;
  }
  return all;
}

}  // namespace strata::registry::detail
