#include "dockerfile/detail/statement.h"

#include <algorithm>
#include <span>
#include <utility>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/words.h"

namespace strata::dockerfile::detail {
namespace {

bool is_one_of(std::string_view keyword, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), keyword) != list.end();
}

// A JSON array, or else what `shell_form` makes of the text.
template <class F>
Result<void> read_maybe_json(Statement& s, std::string_view text, F shell_form) {
  auto strings = TRY(parse_json_array(text));
  s.json = strings.has_value();
  std::vector<std::string> words = strings ? *std::move(strings) : shell_form(text);
  std::move(words.begin(), words.end(), std::back_inserter(s.args));
  return {};
}

std::vector<std::string> whole(std::string_view text) {
  if (text.empty()) return {};
  return {std::string(text)};
}

Result<void> read_healthcheck(Statement& s, std::string_view rest) {
  const std::size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
  if (end == 0) return {};
  s.args.emplace_back(rest.substr(0, end));
  return read_maybe_json(s, trim_left(rest.substr(end)), whole);
}

Result<void> read_words(Statement& s, std::string_view rest, char escape);

// The trigger is read as the instruction it is, only to find the errors in it. A trigger that is
// ONBUILD again is an error anyway and is not looked into: no recursion.
Result<void> read_trigger(Statement& s, std::string_view rest, char escape) {
  if (rest.empty()) return {};
  Statement trigger;
  const CommandLine command = split_command(rest, escape);
  trigger.keyword = command.keyword;
  if (trigger.keyword != "ONBUILD") TRY(read_words(trigger, command.rest, escape));
  s.args.push_back(trigger.keyword);
  s.json = trigger.json;
  return {};
}

Result<void> read_words(Statement& s, std::string_view rest, char escape) {
  const std::string_view k = s.keyword;
  if (is_one_of(k, {"ADD", "COPY", "VOLUME"})) return read_maybe_json(s, rest, split_blanks);
  if (is_one_of(k, {"RUN", "CMD", "ENTRYPOINT", "SHELL"})) return read_maybe_json(s, rest, whole);
  if (k == "HEALTHCHECK") return read_healthcheck(s, rest);
  if (k == "ONBUILD") return read_trigger(s, rest, escape);
  if (is_one_of(k, {"ENV", "LABEL"})) {
    s.pairs = TRY(split_pairs(rest, k, escape));
    s.old_form = !s.pairs.empty() && !rest.substr(s.pairs[0].name.size()).starts_with('=');
  } else if (k == "ARG") {
    s.args = split_words(rest, escape);
  } else if (is_one_of(k, {"FROM", "EXPOSE"})) {
    s.args = split_blanks(rest);
  } else if (is_one_of(k, {"USER", "WORKDIR", "STOPSIGNAL", "MAINTAINER"})) {
    s.args = whole(rest);
  }
  return {};  // an unknown keyword is make_instruction()'s to report
}

bool takes_heredocs(const Statement& s) {
  const std::string& keyword = s.keyword == "ONBUILD" && !s.args.empty() ? s.args[0] : s.keyword;
  return !s.json && is_one_of(keyword, {"ADD", "COPY", "RUN"});
}

Result<Statement> read_statement(LogicalLine line, LineReader& lines) {
  Statement s;
  s.line = std::move(line);
  CommandLine command = split_command(s.line.text, lines.escape());
  s.keyword = std::move(command.keyword);
  s.flags = std::move(command.flags);
  TRY(read_words(s, command.rest, lines.escape()));
  if (!takes_heredocs(s)) return s;
  for (HeredocWord& word : find_heredocs(command.rest))
    s.heredocs.push_back(TRY(lines.read_heredoc(std::move(word))));
  s.line.last_line = lines.line_number();
  return s;
}

}  // namespace

Result<Statements> read_statements(std::string_view text, LineSpan* failed) {
  LineSpan nobody;
  LineSpan& at = failed != nullptr ? *failed : nobody;
  Statements out;
  LineReader lines(text);
  while (true) {
    auto line = lines.next();
    if (!line) {
      at = {lines.line_number(), lines.line_number()};
      return std::move(line).error();
    }
    if (!*line) break;
    at.first = (*line)->first_line;
    auto statement = read_statement(**std::move(line), lines);
    at.last = lines.line_number();
    out.list.push_back(TRY(std::move(statement)));
  }
  at = {};
  if (out.list.empty()) return invalid("file with no instructions");
  out.escape = lines.escape();
  out.check = lines.check();
  return out;
}

}  // namespace strata::dockerfile::detail
