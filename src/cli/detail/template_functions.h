#pragma once

#include <string_view>
#include <vector>

#include "cli/detail/template_value.h"

namespace strata::cli {

/// What a function takes, one letter per operand: s string, i int, l list of strings, a anything.
/// The last one repeats if `variadic`, and may then be left out.
struct TemplateFunction {
  std::string_view name;
  std::string_view operands;
  bool variadic;
  Result<Value> (*call)(const std::vector<Value>& args);
};

/// nullptr if there is none. "and" and "or" are here too; execution stops at their first decisive
/// operand.
const TemplateFunction* find_template_function(std::string_view name);

/// As docker's json: like Go's encoder, but <, > and & stay as they are.
std::string json_without_html_escapes(const Json& json);

}  // namespace strata::cli
