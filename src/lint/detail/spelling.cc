#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "lint/detail/report.h"

namespace strata::lint::detail {
namespace {

using dockerfile::Dockerfile;
using dockerfile::Instruction;
using dockerfile::Stage;

bool is_lower(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool is_upper(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// The keyword as it stands in the file.
std::string_view written(const Instruction& instruction) {
  return std::string_view(instruction.original).substr(0, instruction.keyword.size());
}

template <class F>
void each_instruction(const Dockerfile& file, F f) {
  for (const auto& arg : file.global_args) f(arg);
  for (const auto& stage : file.stages) {
    f(stage.head);
    for (const auto& instruction : stage.instructions) f(instruction);
  }
}

void check_casing(const Dockerfile& file, Report& report) {
  int lower = 0;
  int upper = 0;
  each_instruction(file, [&](const Instruction& i) {
    lower += is_lower(written(i)) ? 1 : 0;
    upper += is_upper(written(i)) ? 1 : 0;
  });
  const bool want_lower = lower > upper;
  each_instruction(file, [&](const Instruction& i) {
    if (want_lower ? is_lower(written(i)) : is_upper(written(i))) return;
    report.add(Rule::ConsistentInstructionCasing, i,
               fmt::format("'{}' is not in {} case as most instructions are", written(i),
                           want_lower ? "lower" : "upper"));
  });
}

void check_stage_names(const Dockerfile& file, Report& report) {
  std::set<std::string> seen;
  for (const Stage& stage : file.stages) {
    const auto& from = stage.from();
    if (from.stage_name.empty()) continue;
    const auto keyword = written(stage.head);
    const bool agrees = is_lower(keyword)   ? is_lower(from.as_word)
                        : is_upper(keyword) ? is_upper(from.as_word)
                                            : false;
    if (!agrees)
      report.add(Rule::FromAsCasing, stage.head,
                 fmt::format("'{}' and '{}' are not in the same case", from.as_word, keyword));
    if (!is_lower(from.stage_name_written))
      report.add(Rule::StageNameCasing, stage.head,
                 fmt::format("stage name '{}' is not in lower case", from.stage_name_written));
    if (from.stage_name == "scratch" || from.stage_name == "context")
      report.add(
          Rule::ReservedStageName, stage.head,
          fmt::format("'{}' is a reserved name and cannot be that of a stage", from.stage_name));
    if (!seen.insert(from.stage_name).second)
      report.add(Rule::DuplicateStageName, stage.head,
                 fmt::format("an earlier stage is named '{}', too", from.stage_name));
  }
}

/// A description starts with the name of what it describes.
void check_description(const Instruction& i, const std::string& name, Report& report) {
  if (i.comment.empty() || name.empty()) return;
  const std::string& line = i.comment.back();
  const bool fits =
      line.starts_with(name) && (line.size() == name.size() || line[name.size()] == ' ');
  if (!fits)
    report.add(Rule::InvalidDefinitionDescription, i,
               fmt::format("the comment above does not start with '{0}': write `# {0} <text>`, or "
                           "put a blank line below it",
                           name));
}

void check_form(const Instruction& i, Report& report) {
  if (i.blank_line != 0)
    report.add(Rule::NoEmptyContinuation, i.blank_line, i.blank_line,
               fmt::format("blank line within {}", i.keyword));
  if (i.keyword == "MAINTAINER")
    report.add(Rule::MaintainerDeprecated, i,
               "MAINTAINER is deprecated: use LABEL org.opencontainers.image.authors=...");
  const auto* env = std::get_if<dockerfile::Env>(&i.value);
  const auto* label = std::get_if<dockerfile::Label>(&i.value);
  if ((env != nullptr && env->old_form) || (label != nullptr && label->old_form))
    report.add(Rule::LegacyKeyValueFormat, i,
               fmt::format("write {0} key=value in place of {0} key value", i.keyword));
  if (const auto* from = std::get_if<dockerfile::From>(&i.value))
    check_description(i, from->stage_name_written, report);
  if (const auto* arg = std::get_if<dockerfile::Arg>(&i.value))
    check_description(i, arg->names[0].name, report);
}

/// "SECRET", "DB_PASSWORD", "apikey"; not "PUBLIC_KEY".
bool names_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kSecret = {
      "apikey",   "auth",  "credential", "credentials", "key",
      "password", "pword", "passwd",     "secret",      "token"};
  bool secret = false;
  for (auto part : split(name, '_')) {
    std::string word(part);
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (word == "public") return false;
    secret = secret || std::find(kSecret.begin(), kSecret.end(), word) != kSecret.end();
  }
  return secret;
}

void check_secrets(const Instruction& i, Report& report) {
  auto check = [&](const std::string& name) {
    if (names_secret(name))
      report.add(Rule::SecretsUsedInArgOrEnv, i,
                 fmt::format("{} {} looks like a secret: everybody sees it in the image's history; "
                             "use RUN --mount=type=secret",
                             i.keyword, name));
  };
  if (const auto* env = std::get_if<dockerfile::Env>(&i.value))
    for (const auto& pair : env->variables) check(pair.name);
  if (const auto* arg = std::get_if<dockerfile::Arg>(&i.value))
    for (const auto& name : arg->names) check(name.name);
}

void check_commands(const Stage& stage, Report& report) {
  bool own_shell = false;
  std::map<std::string, const Instruction*> last;
  for (const Instruction& i : stage.instructions) {
    if (i.keyword == "SHELL") own_shell = true;
    const dockerfile::Command* command = nullptr;
    if (const auto* cmd = std::get_if<dockerfile::Cmd>(&i.value)) command = &cmd->command;
    if (const auto* entry = std::get_if<dockerfile::Entrypoint>(&i.value))
      command = &entry->command;
    if (command != nullptr && command->shell_form && !command->words.empty() && !own_shell)
      report.add(Rule::JSONArgsRecommended, i,
                 fmt::format("{} in shell form: a shell stands between the program and the signals "
                             "for it",
                             i.keyword));
    if (command == nullptr && i.keyword != "HEALTHCHECK") continue;
    if (const Instruction*& before = last[i.keyword]; before != nullptr)
      report.add(
          Rule::MultipleInstructionsDisallowed, *before,
          fmt::format("another {} follows in this stage, and only the last one counts", i.keyword));
    last[i.keyword] = &i;
  }
}

}  // namespace

void check_spelling(const Dockerfile& file, Report& report) {
  check_casing(file, report);
  check_stage_names(file, report);
  each_instruction(file, [&](const Instruction& i) {
    check_form(i, report);
    check_secrets(i, report);
  });
  for (const Stage& stage : file.stages) check_commands(stage, report);
}

}  // namespace strata::lint::detail
