#pragma once

#include <set>
#include <string_view>

#include "base/result.h"
#include "lint/rule.h"

namespace strata::lint {

/// The value of `# check=`: "skip=RULE,RULE;error=true;experimental=all".
struct Settings {
  std::set<Rule> skip;
  bool skip_all = false;
  std::set<Rule> experimental;  // rules that are looked at though they are experimental
  bool experimental_all = false;
  bool error = false;  // a build with findings fails

  bool wants(Rule rule) const {
    if (skip_all || skip.contains(rule)) return false;
    return !rule_info(rule).experimental || experimental_all || experimental.contains(rule);
  }
};

/// Names that are no rule are passed over: a later BuildKit may have it. InvalidArgument for
/// another key, or a value of `error` that is no boolean.
Result<Settings> parse_settings(std::string_view text);

}  // namespace strata::lint
