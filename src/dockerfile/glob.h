#pragma once

#include <string_view>
#include <utility>

#include "base/result.h"
#include "dockerfile/detail/pattern.h"

namespace strata::dockerfile {

/// Whether a COPY or ADD source is a pattern: it holds a '*', '?' or '[' that no '\' precedes.
bool is_glob(std::string_view source);

/// A pattern of file names, matched against whole paths relative to a root ("d/x.txt"): as Go's
/// filepath.Match, '*' and '?' do not cross '/', [a-c] and [^a] are classes, \c is the character c.
/// "**" has no meaning of its own, unless DoubleStar is asked for (COPY --parents).
/// Compiled once; matching allocates nothing for paths up to 4096 bytes. Safe to share by threads.
class Glob {
 public:
  using Syntax = detail::Pattern::Syntax;

  /// InvalidArgument "syntax error in pattern".
  static Result<Glob> compile(std::string_view pattern, Syntax syntax = Syntax::FilepathMatch);

  bool matches(std::string_view path) const { return pattern_.matches(path); }
  /// False if no path below the directory `dir` can match, so that a walk need not enter it.
  bool may_match_below(std::string_view dir) const { return pattern_.may_match_below(dir); }

 private:
  explicit Glob(detail::Pattern pattern) : pattern_(std::move(pattern)) {}
  detail::Pattern pattern_;
};

}  // namespace strata::dockerfile
