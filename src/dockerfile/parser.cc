#include "dockerfile/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "dockerfile/detail/statement.h"
#include "dockerfile/detail/text.h"

namespace strata::dockerfile {
namespace {

using detail::invalid;

Error at_line(int line, std::string_view what) {
  return invalid(fmt::format("dockerfile parse error line {}: {}", line, what));
}

// Puts `instruction` where it belongs: among the global ARGs, as a new stage, or into the last one.
Result<void> place(Dockerfile& file, Instruction instruction, StageNames names) {
  if (const auto* from = std::get_if<From>(&instruction.value)) {
    if (names == StageNames::Unique && !from->stage_name.empty() &&
        file.stage_by_name(from->stage_name))
      return at_line(instruction.first_line, from->stage_name + " stage name already used");
    file.stages.push_back({std::move(instruction), {}});
  } else if (!file.stages.empty()) {
    file.stages.back().instructions.push_back(std::move(instruction));
  } else if (std::holds_alternative<Arg>(instruction.value)) {
    file.global_args.push_back(std::move(instruction));
  } else {
    return invalid("no build stage in current context");
  }
  return {};
}

std::vector<std::string> warnings_for(const std::vector<detail::Statement>& statements) {
  std::vector<std::string> lines;
  for (const detail::Statement& s : statements) {
    if (s.line.blank_line == 0) continue;
    lines.emplace_back("[WARNING]: Empty continuation line found in:");
    lines.push_back("    " + s.line.text);
  }
  if (!lines.empty())
    lines.emplace_back(
        "[WARNING]: Empty continuation lines will become errors in a future release.");
  return lines;
}

}  // namespace

std::optional<std::size_t> Dockerfile::stage_by_name(std::string_view name,
                                                     std::size_t before) const {
  const std::string lower = detail::to_lower(name);
  for (std::size_t i = 0; i < std::min(before, stages.size()); i++)
    if (!lower.empty() && stages[i].from().stage_name == lower) return i;
  return std::nullopt;
}

std::optional<std::size_t> Dockerfile::find_stage(std::string_view name_or_index,
                                                  std::size_t before) const {
  if (const auto named = stage_by_name(name_or_index, before)) return named;
  std::size_t index = 0;
  const char* const end = name_or_index.data() + name_or_index.size();
  const auto parsed = std::from_chars(name_or_index.data(), end, index);
  const bool number = parsed.ec == std::errc() && parsed.ptr == end;
  if (!number || index >= std::min(before, stages.size())) return std::nullopt;
  return index;
}

Result<std::size_t> Dockerfile::target_stage(std::string_view target) const {
  if (target.empty()) return stages.size() - 1;
  if (const auto stage = find_stage(target)) return *stage;
  return invalid(fmt::format("failed to reach build target {} in Dockerfile", target));
}

Result<Dockerfile> parse(std::string_view text, std::string_view file_name, StageNames names,
                         LineSpan* failed) {
  LineSpan nobody;
  LineSpan& at = failed != nullptr ? *failed : nobody;
  at = {};
  if (text.empty()) return invalid(fmt::format("the Dockerfile ({}) cannot be empty", file_name));
  const detail::Statements statements =
      TRY(detail::read_statements(text, &at).context("failed to parse {}", file_name));
  Dockerfile file;
  file.escape = statements.escape;
  file.check = statements.check;
  file.warnings = warnings_for(statements.list);
  for (const detail::Statement& s : statements.list) {
    auto instruction = detail::make_instruction(s);
    at = {s.line.first_line, s.line.last_line};
    if (!instruction) return at_line(s.line.first_line, instruction.error().message());
    TRY(place(file, *std::move(instruction), names));
  }
  at = {};
  if (file.stages.empty()) return invalid("dockerfile contains no stages to build");
  return file;
}

Result<Instruction> parse_trigger(std::string_view trigger) {
  const detail::Statements statements = TRY(detail::read_statements(trigger));
  if (statements.list.size() != 1) return invalid("onbuild trigger should be a single expression");
  const detail::Statement& s = statements.list[0];
  if (s.keyword == "ONBUILD")
    return invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (s.keyword == "FROM" || s.keyword == "MAINTAINER")
    return invalid(s.keyword + " isn't allowed as an ONBUILD trigger");
  return detail::make_instruction(s);
}

}  // namespace strata::dockerfile
