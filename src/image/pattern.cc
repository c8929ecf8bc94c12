#include "image/pattern.h"

#include <optional>

#include "image/detail/utf8.h"

namespace strata {
namespace {

// One character inside brackets, taken off `pattern`; nothing if there is none or it is the last.
std::optional<char32_t> take_class_rune(std::string_view& pattern) {
  if (pattern.empty() || pattern[0] == '-' || pattern[0] == ']') return std::nullopt;
  if (pattern[0] == '\\') pattern.remove_prefix(1);
  if (pattern.empty()) return std::nullopt;
  const Rune rune = decode_rune(pattern);
  if (!rune.valid) return std::nullopt;
  pattern.remove_prefix(rune.length);
  if (pattern.empty()) return std::nullopt;
  return rune.value;
}

// Takes "[...]" off `pattern`; says whether `c` is in it, nothing if the class is malformed.
std::optional<bool> take_class(std::string_view& pattern, char32_t c) {
  pattern.remove_prefix(1);
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool found = false;
  do {
    const auto low = take_class_rune(pattern);
    if (!low) return std::nullopt;
    auto high = low;
    if (pattern[0] == '-') {
      pattern.remove_prefix(1);
      high = take_class_rune(pattern);
      if (!high) return std::nullopt;
    }
    found = found || (*low <= c && c <= *high);
  } while (pattern[0] != ']');
  pattern.remove_prefix(1);
  return found != negated;
}

bool is_well_formed(std::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern[0] == '[') {
      if (!take_class(pattern, 0)) return false;
      continue;
    }
    if (pattern[0] == '\\') pattern.remove_prefix(1);
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);
  }
  return true;
}

// Takes one item that is not a star off the well-formed `pattern`, and what it matches off `name`.
bool take_match(std::string_view& pattern, std::string_view& name) {
  if (pattern.empty() || name.empty()) return false;
  if (pattern[0] == '[' || pattern[0] == '?') {
    const Rune rune = decode_rune(name);
    if (pattern[0] == '?') {
      pattern.remove_prefix(1);
      if (rune.value == '/') return false;
    } else if (!*take_class(pattern, rune.value)) {
      return false;
    }
    name.remove_prefix(rune.length);
    return true;
  }
  if (pattern[0] == '\\') pattern.remove_prefix(1);
  const bool same = pattern[0] == name[0];
  pattern.remove_prefix(1);
  name.remove_prefix(1);
  return same;
}

}  // namespace

Result<bool> match_pattern(std::string_view pattern, std::string_view name) {
  if (!is_well_formed(pattern)) return Error(ErrorCode::InvalidArgument, "syntax error in pattern");
  struct Retry {
    std::string_view pattern, name;  // behind the last star, and where it has got to
  };
  std::optional<Retry> star;
  for (;;) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = {pattern, name};
      continue;
    }
    if (pattern.empty() && name.empty()) return true;
    if (take_match(pattern, name)) continue;
    if (!star || star->name.empty() || star->name[0] == '/') return false;
    star->name.remove_prefix(1);
    pattern = star->pattern;
    name = star->name;
  }
}

}  // namespace strata
