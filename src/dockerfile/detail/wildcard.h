#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::dockerfile::detail {

/// The pattern p of ${v#p}, ${v%p} and ${v/p/r}: '*' is any text, '?' any code point, and '\' takes
/// the meaning from * ? \ } and /. There are no classes.
class Wildcard {
 public:
  /// InvalidArgument, docker's text: `invalid pattern (\x) in substitution: invalid escape '\x'`.
  static Result<Wildcard> parse(std::string_view pattern);

  enum class Length : unsigned char { Shortest, Longest };
  /// `value` without the part at its start, or at its end, that matches.
  std::string trim_prefix(std::string_view value, Length length) const;
  std::string trim_suffix(std::string_view value, Length length) const;
  /// `value` with the first match, the longest at its place, replaced.
  std::string replace_first(std::string_view value, std::string_view replacement) const;
  /// The same for all matches. In `replacement`, $0 and ${0} are the match, $$ is a '$', and any
  /// other $name is empty: docker hands it to Go's regexp package.
  std::string replace_all(std::string_view value, std::string_view replacement) const;

 private:
  struct Span {
    std::size_t begin;
    std::size_t end;
  };
  /// The match that starts at `from`, or (not anchored) the first one from there on.
  std::optional<Span> find(std::u32string_view text, std::size_t from, bool anchored,
                           Length length) const;

  /// What stands between the stars, at least one; kAnyRune for '?'.
  std::vector<std::u32string> parts_;
};

}  // namespace strata::dockerfile::detail
