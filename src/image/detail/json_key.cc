#include "image/detail/json_key.h"

#include <utility>

namespace strata {
namespace {

// Takes the first letter off `s`, lower-case.
char take_folded(std::string_view& s) {
  static constexpr std::string_view kLongS = "\xC5\xBF";
  static constexpr std::string_view kKelvin = "\xE2\x84\xAA";
  for (auto [special, letter] : {std::pair(kLongS, 's'), std::pair(kKelvin, 'k')})
    if (s.starts_with(special)) {
      s.remove_prefix(special.size());
      return letter;
    }
  const char c = s[0];
  s.remove_prefix(1);
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_json_key(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty())
    if (take_folded(a) != take_folded(b)) return false;
  return a.empty() && b.empty();
}

}  // namespace strata
