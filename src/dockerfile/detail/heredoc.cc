#include "dockerfile/detail/heredoc.h"

#include <algorithm>

#include "dockerfile/detail/text.h"

namespace strata::dockerfile::detail {
namespace {

// The position behind the quoted string that opens at `at`, or npos.
std::size_t skip_quoted(std::string_view line, std::size_t at) {
  const char quote = line[at];
  for (std::size_t i = at + 1; i < line.size(); i++) {
    if (line[i] == quote) return i + 1;
    if (line[i] == '\\' && quote == '"') i++;
  }
  return line.npos;
}

bool is_blank(char c) { return kBlanks.find(c) != kBlanks.npos || c == '\n'; }

// The position behind the word that starts at `at`, or npos if it never ends. Blanks behind "<<"
// belong to the word: `<< EOF`.
std::size_t skip_word(std::string_view line, std::size_t at) {
  while (at < line.size() && !is_blank(line[at])) {
    if (line[at] == '\'' || line[at] == '"') {
      at = skip_quoted(line, at);
      if (at == line.npos) return at;
    } else if (line[at] == '\\') {
      at = std::min(at + 2, line.size());
    } else if (line.substr(at, 2) == "<<") {
      at = std::min(line.find_first_not_of(" \t", at + 2), line.size());
    } else {
      at++;
    }
  }
  return at;
}

}  // namespace

Heredoc HeredocText::cooked() const {
  Heredoc out{word.name, {}, word.expand};
  if (!word.strip_tabs) {
    out.body = raw;
    return out;
  }
  bool line_start = true;
  for (const char c : raw) {
    if (line_start && c == '\t') continue;
    line_start = c == '\n';
    out.body += c;
  }
  return out;
}

std::optional<HeredocWord> parse_heredoc_word(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("0123456789"), word.size()));
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(2);
  HeredocWord out;
  if (word.starts_with('-')) {
    out.strip_tabs = true;
    word.remove_prefix(1);
  }
  word = trim_left(word);
  if (word.find('<') != word.npos) return std::nullopt;
  char quote = 0;
  for (std::size_t i = 0; i < word.size(); i++) {
    const char c = word[i];
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      out.expand = false;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < word.size()) {
      out.name += word[++i];
    } else if (quote == 0 && is_blank(c)) {
      return std::nullopt;
    } else {
      out.name += c;
    }
  }
  if (out.name.empty() || quote != 0) return std::nullopt;
  return out;
}

std::vector<HeredocWord> find_heredocs(std::string_view line) {
  std::vector<HeredocWord> found;
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      at++;
      continue;
    }
    const std::size_t end = skip_word(line, at);
    if (end == line.npos) return {};
    if (auto word = parse_heredoc_word(line.substr(at, end - at)))
      found.push_back(*std::move(word));
    at = end;
  }
  return found;
}

}  // namespace strata::dockerfile::detail
