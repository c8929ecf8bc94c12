#include "cli/detail/template_value.h"

#include <algorithm>

namespace strata::cli {

const Json& Value::json() const {
  static const Json kNull;
  return json_ == nullptr ? kNull : *json_;
}

bool truth(const Value& value) {
  const Json& json = value.json();
  if (json.is_bool()) return json.as_bool();
  if (json.is_int()) return json.as_int() != 0;
  if (json.is_number()) return json.as_double() != 0;
  if (json.is_string()) return !json.as_string().empty();
  return json.size() > 0;
}

std::string_view go_type(const Json& json) {
  if (json.is_string()) return "string";
  if (json.is_int()) return "int";
  if (json.is_number()) return "float64";
  if (json.is_bool()) return "bool";
  if (json.is_array()) return "[]interface {}";
  if (json.is_object()) return "map[string]interface {}";
  return "<nil>";
}

std::vector<const Json::Member*> sorted_members(const Json& object) {
  std::vector<const Json::Member*> members;
  for (const Json::Member& m : object.as_object()) members.push_back(&m);
  std::stable_sort(members.begin(), members.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  return members;
}

}  // namespace strata::cli
