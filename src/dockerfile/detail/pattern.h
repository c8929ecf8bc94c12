#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::dockerfile::detail {

/// A compiled file name pattern; glob.h and ignore_file.h say what it means.
///
/// Matching carries the set of positions in the path at which what was matched so far can end
/// through the pattern, token by token: O(pattern * path) whatever the pattern, so that a hostile
/// one cannot stall a build.
class Pattern {
 public:
  enum class Syntax : std::uint8_t {
    FilepathMatch,
    DoubleStar,  // as in .dockerignore: "**/" is any number of directories, a last "**" anything
  };

  /// InvalidArgument "syntax error in pattern".
  static Result<Pattern> compile(std::string_view text, Syntax syntax);

  /// The whole path.
  bool matches(std::string_view path) const;
  /// The path or a directory above it.
  bool covers(std::string_view path) const;
  /// Whether some path below `dir` could match.
  bool may_match_below(std::string_view dir) const;

 private:
  friend class PatternCompiler;
  friend class PatternRun;

  struct Range {
    char32_t low;
    char32_t high;
  };
  enum class Kind : std::uint8_t {
    Text,     // text_[begin, end)
    AnyOne,   // '?'
    AnyRun,   // '*'
    Class,    // ranges_[begin, end), negated or not
    AnyDirs,  // "**/" and an inner "**"
    Rest,     // "**" at the end
  };
  struct Token {
    Kind kind;
    bool negated = false;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  std::string_view text_of(const Token& token) const {
    return std::string_view(text_).substr(token.begin, token.end - token.begin);
  }
  /// False, at little cost, for most paths that do not match: a text of the pattern is missing.
  bool may_match(std::string_view path) const;

  std::vector<Token> tokens_;
  std::vector<Range> ranges_;
  std::string text_;           // of all Text tokens
  Token longest_{Kind::Text};  // the longest of them; empty if there is none
};

}  // namespace strata::dockerfile::detail
