#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "dockerfile/expand.h"
#include "lint/lint.h"

namespace strata::lint::detail {

using Variables = std::map<std::string, std::string, std::less<>>;

/// The global ARGs and the platform arguments, as FROM lines see them.
struct Globals {
  Variables values;                          // with --build-arg
  Variables defaults;                        // as the file alone gives them
  std::set<std::string, std::less<>> names;  // declared, with a value or without

  Globals(const dockerfile::Dockerfile& file, const Input& input);
};

/// The variables that are visible at a point of a stage.
struct Scope {
  Variables values;
  bool open = false;  // the base is an image that is not at hand: it may define more

  dockerfile::Lookup lookup() const;
  /// What `instruction` defines. `global` and `build_args` are what ARG looks at.
  void define(const dockerfile::Instruction& instruction, char escape, const Globals& globals,
              const Input& input);
};

dockerfile::Lookup lookup_in(const Variables& variables);

/// The one of `names` that `name` is likely to be a misspelling of.
std::optional<std::string> resembling(std::string_view name,
                                      const std::set<std::string, std::less<>>& names);
/// " (did you mean X?)", or nothing.
std::string did_you_mean(std::string_view name, const std::set<std::string, std::less<>>& names);

}  // namespace strata::lint::detail
