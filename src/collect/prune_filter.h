#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace strata {

/// --filter of the prune commands: what is not removed although nobody uses it.
struct PruneFilter {
  using Label = std::pair<std::string, std::optional<std::string>>;  // name, value if it matters

  std::optional<Time> until;      // what was made later stays
  std::optional<Time> unused;     // images: what was used later stays
  std::vector<Label> labels;      // what lacks one of them stays
  std::vector<Label> not_labels;  // what has all of them stays

  bool matches(Time created, const std::optional<std::map<std::string, std::string>>& of) const {
    if (until && created > *until) return false;
    return has_all(labels, of) && (not_labels.empty() || !has_all(not_labels, of));
  }

  /// "name" or "name=value".
  static Label parse_label(const std::string& text) {
    auto equals = text.find('=');
    if (equals == std::string::npos) return {text, std::nullopt};
    return {text.substr(0, equals), text.substr(equals + 1)};
  }

 private:
  static bool has_all(const std::vector<Label>& wanted,
                      const std::optional<std::map<std::string, std::string>>& of) {
    for (const auto& [name, value] : wanted) {
      if (!of) return false;
      auto found = of->find(name);
      if (found == of->end() || (value && found->second != *value)) return false;
    }
    return true;
  }
};

}  // namespace strata
