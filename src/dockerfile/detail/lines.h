#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dockerfile/detail/heredoc.h"

namespace strata::dockerfile::detail {

/// One instruction's text: continuation lines joined, comments dropped, blanks on the left trimmed.
struct LogicalLine {
  int first_line = 0;  // physical lines, from 1
  int last_line = 0;
  std::string text;
  int blank_line = 0;                // the first blank line within it; 0: none
  std::vector<std::string> comment;  // the comment lines directly above, without '#' and blanks
};

/// Cuts the text of a Dockerfile into logical lines and reads the parser directives at its top.
/// All errors are InvalidArgument with docker's text, without prefix.
class LineReader {
 public:
  /// `text` must live as long as the reader.
  explicit LineReader(std::string_view text);

  /// Nothing at the end of the text.
  Result<std::optional<LogicalLine>> next();
  /// The lines behind the logical line just read, up to the delimiter.
  Result<HeredocText> read_heredoc(HeredocWord word);

  char escape() const { return escape_; }
  /// The value of the directive `check`; empty if there is none.
  const std::string& check() const { return check_; }
  /// The number of the last physical line read.
  int line_number() const { return line_number_; }

 private:
  /// The next physical line with its line end, nothing at the end of the text.
  Result<std::optional<std::string_view>> read_line();
  /// Takes in `line` if it is a directive, and says so; ends the search for good if not.
  Result<bool> read_directive(std::string_view line);
  /// Cuts the continuation mark off, if `line` ends with one.
  bool trim_continuation(std::string_view& line) const;

  std::string_view rest_;
  int line_number_ = 0;
  char escape_ = '\\';
  std::string check_;
  bool directives_done_ = false;
  std::vector<std::string> directives_;  // keys seen
};

}  // namespace strata::dockerfile::detail
