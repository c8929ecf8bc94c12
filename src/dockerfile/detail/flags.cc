#include "dockerfile/detail/flags.h"

#include <fmt/core.h>

#include <algorithm>

#include "dockerfile/detail/text.h"

namespace strata::dockerfile::detail {
namespace {

struct FlagWord {
  std::string_view name;
  std::optional<std::string_view> value;
};

FlagWord split_flag(std::string_view word) {
  word.remove_prefix(2);
  const std::size_t equals = word.find('=');
  if (equals == word.npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

Error missing_value(const FlagWord& word) {
  return invalid(fmt::format("Missing a value on flag: {}", word.name));
}

Result<bool> parse_bool(const FlagWord& word) {
  if (!word.value) return true;
  if (word.value->empty()) return missing_value(word);
  const std::string value = to_lower(*word.value);
  if (value == "true" || value == "false") return value == "true";
  return invalid(
      fmt::format("Expecting boolean value for flag {}, not: {}", word.name, *word.value));
}

// Stores one value: which overload is taken depends on what the flag's target holds.
struct Store {
  const FlagWord& word;

  Result<void> operator()(bool* target) const {
    *target = TRY(parse_bool(word));
    return {};
  }
  Result<void> operator()(std::optional<bool>* target) const {
    *target = TRY(parse_bool(word));
    return {};
  }
  Result<void> operator()(std::string* target) const {
    if (!word.value) return missing_value(word);
    *target = *word.value;
    return {};
  }
  Result<void> operator()(std::vector<std::string>* target) const {
    if (!word.value) return missing_value(word);
    target->emplace_back(*word.value);
    return {};
  }
};

}  // namespace

Result<void> parse_flags(std::span<const std::string> words, std::initializer_list<Flag> known) {
  std::vector<const Flag*> seen;
  for (const std::string& text : words) {
    const FlagWord word = split_flag(text);
    const auto flag = std::find_if(known.begin(), known.end(),
                                   [&](const Flag& f) { return f.name == word.name; });
    if (flag == known.end()) return invalid(fmt::format("Unknown flag: {}", word.name));
    const bool repeatable = std::holds_alternative<std::vector<std::string>*>(flag->target);
    if (!repeatable && std::find(seen.begin(), seen.end(), flag) != seen.end())
      return invalid(fmt::format("Duplicate flag specified: {}", word.name));
    seen.push_back(flag);
    TRY(std::visit(Store{word}, flag->target));
  }
  return {};
}

}  // namespace strata::dockerfile::detail
