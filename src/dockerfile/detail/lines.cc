#include "dockerfile/detail/lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "dockerfile/detail/text.h"

namespace strata::dockerfile::detail {
namespace {

constexpr std::size_t kMaxLine = 65535;  // bytes, as docker's line scanner has it

struct Directive {
  std::string key;
  std::string_view value;
};

// "# key = value", blanks free. Nothing for any other line.
std::optional<Directive> parse_directive(std::string_view line) {
  if (!line.starts_with('#')) return std::nullopt;
  line = trim_left(line.substr(1));
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto key_end = std::find_if_not(line.begin(), line.end(), alphanumeric);
  const auto length = static_cast<std::size_t>(key_end - line.begin());
  if (length == 0 || (line[0] >= '0' && line[0] <= '9')) return std::nullopt;
  const std::string_view tail = trim_left(line.substr(length));
  if (!tail.starts_with('=')) return std::nullopt;
  const std::string_view value = trim(tail.substr(1));
  if (value.empty()) return std::nullopt;
  return Directive{to_lower(line.substr(0, length)), value};
}

std::string_view without_line_end(std::string_view line) {
  const std::size_t last = line.find_last_not_of("\r\n");
  return line.substr(0, last == line.npos ? 0 : last + 1);
}

}  // namespace

LineReader::LineReader(std::string_view text) : rest_(text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
}

Result<std::optional<std::string_view>> LineReader::read_line() {
  if (rest_.empty()) return std::optional<std::string_view>();
  const std::size_t newline = rest_.find('\n');
  if (std::min(newline, rest_.size()) > kMaxLine)
    return invalid(fmt::format("dockerfile line greater than max allowed size of {}", kMaxLine));
  const std::string_view line = rest_.substr(0, newline == rest_.npos ? newline : newline + 1);
  rest_.remove_prefix(line.size());
  line_number_++;
  return std::optional(line);
}

Result<bool> LineReader::read_directive(std::string_view line) {
  if (directives_done_) return false;
  const auto directive = parse_directive(line);
  const auto known = [](std::string_view key) {
    return key == "escape" || key == "syntax" || key == "check";
  };
  if (!directive || !known(directive->key)) {
    directives_done_ = true;
    return false;
  }
  if (std::find(directives_.begin(), directives_.end(), directive->key) != directives_.end())
    return invalid(fmt::format("only one {} parser directive can be used", directive->key));
  directives_.push_back(directive->key);
  if (directive->key == "check") check_ = directive->value;
  if (directive->key != "escape") return true;
  if (directive->value != "\\" && directive->value != "`")
    return invalid(
        fmt::format("invalid escape token '{}' does not match ` or \\", directive->value));
  escape_ = directive->value[0];
  return true;
}

bool LineReader::trim_continuation(std::string_view& line) const {
  const std::size_t last = line.find_last_not_of(" \t");
  if (last == line.npos || line[last] != escape_) return false;
  if (last > 0 && line[last - 1] == escape_) return false;  // an escaped escape
  line = line.substr(0, last);
  return true;
}

Result<std::optional<LogicalLine>> LineReader::next() {
  LogicalLine out;
  bool continued = false;
  while (true) {
    const auto physical = TRY(read_line());
    if (!physical) break;
    std::string_view line = without_line_end(*physical);
    const std::string_view text = trim_left(line);
    bool directive = false;
    if (!continued) {
      directive = TRY(read_directive(text));
      line = text;
      out.first_line = line_number_;
    }
    if (text.starts_with('#')) {
      if (!continued && !directive) out.comment.emplace_back(trim(text.substr(1)));
      continue;
    }
    if (continued && text.empty()) {
      if (out.blank_line == 0) out.blank_line = line_number_;
      continue;
    }
    continued = trim_continuation(line);
    out.text += line;
    out.last_line = line_number_;
    if (!continued && !out.text.empty()) return std::optional(std::move(out));
    if (!continued) out = LogicalLine();
  }
  // The text may end within a continuation.
  if (!continued) return std::optional<LogicalLine>();
  out.last_line = line_number_;
  return std::optional(std::move(out));
}

Result<HeredocText> LineReader::read_heredoc(HeredocWord word) {
  HeredocText out{std::move(word), {}};
  while (true) {
    const auto line = TRY(read_line());
    if (!line) return invalid("unterminated heredoc");
    std::string_view end = without_line_end(*line);
    if (out.word.strip_tabs) end.remove_prefix(std::min(end.find_first_not_of('\t'), end.size()));
    if (end == out.word.name) return out;
    out.raw += *line;
  }
}

}  // namespace strata::dockerfile::detail
