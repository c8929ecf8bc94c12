#include "cli/detail/docs_table.h"

#include <algorithm>

#include "cli/help.h"

namespace strata::cli {
namespace {

std::vector<FlagRow> rows_of(const FlagSet& flags) {
  std::vector<FlagRow> rows;
  for (const Flag* flag : flags.sorted()) {
    if (flag->is_hidden()) continue;
    const std::string& usage = flag->usage();
    rows.push_back(
        {flag->name(), flag->shorthand(), flag->takes_value(), usage.substr(0, usage.find('\n'))});
  }
  if (flags.find("help") == nullptr) rows.push_back({"help", 0, false, "Print usage"});
  return rows;
}

}  // namespace

OperandHint operand_hint(const Command& command) {
  std::string_view text = command.operands;
  constexpr std::string_view kOptions = "[OPTIONS] ";
  if (text.substr(0, kOptions.size()) == kOptions) text.remove_prefix(kOptions.size());
  const std::string_view first = text.substr(0, text.find(' '));
  const auto has = [&](std::string_view word) {
    return first.find(word) != std::string_view::npos;
  };
  const bool repeats =
      text.find("...") != std::string_view::npos && text.find("COMMAND") == std::string_view::npos;
  if (has("IMAGE") || has("REPOSITORY")) return {OperandKind::Image, repeats};
  if (has("CONTAINER")) return {OperandKind::Container, repeats};
  if (has("NAME|ID")) return {OperandKind::Object, repeats};
  if (has("PATH") || has("DIR")) return {OperandKind::Directory, repeats};
  if (has("file") || has("FILE")) return {OperandKind::File, repeats};
  return {OperandKind::Other, repeats};
}

std::vector<FlagRow> flag_rows(const Command& command) {
  FlagSet flags;
  if (command.make == nullptr) return rows_of(flags);
  const auto action = command.make();
  action->add_flags(flags);
  return rows_of(flags);
}

std::vector<FlagRow> global_flag_rows() {
  FlagSet flags;
  Globals globals;
  add_global_flags(flags, globals);
  return rows_of(flags);
}

std::vector<const Command*> visible_commands(const Program& program) {
  std::vector<const Command*> list;
  for (const Command& c : program.commands) {
    if (!c.hidden) list.push_back(&c);
  }
  std::sort(list.begin(), list.end(),
            [](const Command* a, const Command* b) { return a->path < b->path; });
  return list;
}

std::vector<std::string> words_of(const Command& command) {
  std::vector<std::string> words = {std::string(last_word(command.path))};
  for (std::string_view rest = command.aliases; !rest.empty();) {
    const std::size_t blank = rest.find(' ');
    words.emplace_back(rest.substr(0, blank));
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
  return words;
}

}  // namespace strata::cli
