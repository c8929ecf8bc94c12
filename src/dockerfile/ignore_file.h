#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dockerfile/detail/pattern.h"

namespace strata::dockerfile {

/// The patterns of a .dockerignore file (or of --exclude flags), compiled.
///
/// Paths are relative to the context root, with '/' between names, without "./" in front and
/// without a slash at the end: "d/f/g.txt". A pattern covers a path if it matches the path or a
/// directory above it; the last pattern that covers a path decides: "p" ignores it, "!p" brings it
/// back. A file that is brought back needs the directories above it, ignored or not: whoever walks
/// adds them. The root itself ("" or ".") is never ignored.
///
/// Matching allocates nothing for paths up to 4096 bytes. Safe to share by threads.
class IgnoreMatcher {
 public:
  /// Of the text of a .dockerignore file: one pattern a line, '#' in column 1 is a comment.
  /// InvalidArgument, docker's texts: `illegal exclusion pattern: "!"`, "syntax error in pattern".
  static Result<IgnoreMatcher> parse(std::string_view text);
  /// Of single patterns, such as the values of --exclude.
  static Result<IgnoreMatcher> compile(std::span<const std::string> patterns);

  bool ignored(std::string_view path) const;
  /// Whether a walk may pass by the directory `dir`: it is ignored, and no "!" pattern can bring
  /// back anything below it.
  bool may_prune(std::string_view dir) const;
  /// No patterns: nothing is ignored.
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    detail::Pattern pattern;
    bool exception = false;  // "!pattern"
  };

  Result<void> add(std::string_view line);
  /// The index of the last rule that covers `path`, or rules_.size().
  std::size_t deciding_rule(std::string_view path) const;

  std::vector<Rule> rules_;
};

}  // namespace strata::dockerfile
