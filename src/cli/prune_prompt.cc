#include "cli/prune_prompt.h"

#include <fmt/core.h>

namespace strata::cli {

bool confirm(Call& call, std::string_view warning, char separator) {
  fmt::print(call.out, "{}{}Are you sure you want to continue? [y/N] ", warning, separator);
  std::fflush(call.out);
  std::string answer;
  for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
    answer += static_cast<char>(c);
  if (answer.ends_with('\r')) answer.pop_back();
  return answer == "y" || answer == "Y";
}

void print_pruned_images(Call& call, const PrunedImages& pruned) {
  if (pruned.lines.empty()) return;
  fmt::print(call.out, "Deleted Images:\n");
  for (const auto& line : pruned.lines)
    fmt::print(call.out, "{}: {}\n", line.deleted ? "deleted" : "untagged", line.text);
  fmt::print(call.out, "\n");
}

void print_pruned(Call& call, std::string_view title, const Pruned& pruned) {
  if (pruned.names.empty()) return;
  fmt::print(call.out, "{}:\n", title);
  for (const auto& name : pruned.names) fmt::print(call.out, "{}\n", name);
  fmt::print(call.out, "\n");
}

}  // namespace strata::cli
