#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/instruction.h"

namespace strata::dockerfile::detail {

/// `<<EOF`, `3<<-"EOF"`: a word that announces a here-document.
struct HeredocWord {
  std::string name;         // the delimiter, quotes removed
  bool expand = true;       // no part of the delimiter was quoted
  bool strip_tabs = false;  // <<-
};

/// One that was read.
struct HeredocText {
  HeredocWord word;
  std::string raw;  // the lines up to the delimiter, as they stand in the file

  /// With the leading tabs removed where <<- asks for that.
  Heredoc cooked() const;
};

/// Nothing if `word` does not announce a here-document.
std::optional<HeredocWord> parse_heredoc_word(std::string_view word);

/// All those of an instruction's line behind its flags, in order. None if a quote is not closed,
/// because then it is not the text of a shell as we know it.
std::vector<HeredocWord> find_heredocs(std::string_view line);

}  // namespace strata::dockerfile::detail
