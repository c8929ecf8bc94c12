#include "lint/detail/scope.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "image/platform.h"

namespace strata::lint::detail {
namespace {

std::optional<std::string> given(const Input& input, const std::string& name) {
  auto it = input.build_args.find(name);
  return it == input.build_args.end() ? std::nullopt : it->second;
}

/// How many letters must be changed, put in or left out, or two neighbours exchanged.
std::size_t edits(std::string_view a, std::string_view b) {
  using Row = std::vector<std::size_t>;
  Row above(b.size() + 1);
  Row row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); j++) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); i++) {
    const Row before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); j++) {
      std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

}  // namespace

dockerfile::Lookup lookup_in(const Variables& variables) {
  return [&](std::string_view name) -> std::optional<std::string> {
    auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
}

Globals::Globals(const dockerfile::Dockerfile& file, const Input& input) {
  values = defaults = platform_args();
  for (const auto& [name, value] : values) names.insert(name);
  for (auto& [name, value] : values)
    if (auto other = given(input, name)) value = *other;
  for (const auto& instruction : file.global_args)
    for (const auto& arg : std::get<dockerfile::Arg>(instruction.value).names) {
      names.insert(arg.name);
      for (auto* to : {&values, &defaults}) {
        if (auto other = given(input, arg.name); other && to == &values) {
          (*to)[arg.name] = *other;
        } else if (arg.value) {
          auto value = dockerfile::expand_word(*arg.value, file.escape, lookup_in(*to));
          if (value) (*to)[arg.name] = *std::move(value);
        }
      }
    }
}

dockerfile::Lookup Scope::lookup() const { return lookup_in(values); }

void Scope::define(const dockerfile::Instruction& instruction, char escape, const Globals& globals,
                   const Input& input) {
  if (const auto* env = std::get_if<dockerfile::Env>(&instruction.value)) {
    const Variables before = values;  // all of a line see the environment before it
    for (const auto& pair : env->variables) {
      auto name = dockerfile::expand_word(pair.name, escape, lookup_in(before));
      auto value = dockerfile::expand_word(pair.value, escape, lookup_in(before));
      if (name) values[*name] = value ? *value : "";
    }
  }
  const auto* arg = std::get_if<dockerfile::Arg>(&instruction.value);
  if (arg == nullptr) return;
  const Variables before = values;
  for (const auto& one : arg->names) {
    auto value = given(input, one.name);
    if (!value && one.value) {
      auto expanded = dockerfile::expand_word(*one.value, escape, lookup_in(before));
      value = expanded ? *expanded : "";
    }
    if (auto it = globals.values.find(one.name); !value && it != globals.values.end())
      value = it->second;
    values[one.name] = value.value_or("");  // declared: whoever leaves it empty means that
  }
}

std::optional<std::string> resembling(std::string_view name,
                                      const std::set<std::string, std::less<>>& names) {
  std::optional<std::string> best;
  std::size_t fewest = std::min<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& other : names) {
    if (lower(name) == lower(other)) return other;
    if (auto n = edits(name, other); n < fewest) {
      fewest = n;
      best = other;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::set<std::string, std::less<>>& names) {
  auto other = resembling(name, names);
  return other ? fmt::format(" (did you mean {}?)", *other) : "";
}

}  // namespace strata::lint::detail
