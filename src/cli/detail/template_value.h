#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/go_template.h"
#include "image/json.h"

namespace strata::cli {

/// A value inside a running template: borrowed from the data, or made by a function and shared.
class Value {
 public:
  Value() = default;  // no value: what a missing key gives
  static Value borrowed(const Json& json) {
    return Value(std::shared_ptr<const Json>(std::shared_ptr<const Json>(), &json));
  }
  static Value made(Json json) { return Value(std::make_shared<const Json>(std::move(json))); }

  bool exists() const { return json_ != nullptr; }
  const Json& json() const;  // null if there is none
  /// A part of this value, which stays alive with it.
  Value part(const Json& json) const { return Value(std::shared_ptr<const Json>(json_, &json)); }

  GoKind kind = GoKind::Other;
  bool member = false;  // came out of a map or list, where Go's type is interface {}

  bool is_list() const { return json().is_array() || (json().is_null() && kind == GoKind::List); }
  bool is_map() const { return json().is_object() || (json().is_null() && kind == GoKind::Map); }
  bool is_nil() const { return json().is_null() && kind == GoKind::Other; }

 private:
  explicit Value(std::shared_ptr<const Json> json) : json_(std::move(json)) {}
  std::shared_ptr<const Json> json_;
};

/// Go's truth: not zero, not empty, not nil.
bool truth(const Value& value);
/// "string", "int", "float64", "bool", "[]interface {}", "map[string]interface {}", "<nil>".
std::string_view go_type(const Json& json);
/// An object's members in sorted order.
std::vector<const Json::Member*> sorted_members(const Json& object);

/// As Go's fmt prints it with %v; a null list is [], a null map map[].
std::string go_string(const Value& value);
/// fmt.Sprint: blanks between operands that are both no strings.
std::string go_sprint(const std::vector<Value>& values);
/// fmt.Sprintln: blanks between all, and a newline.
std::string go_sprintln(const std::vector<Value>& values);
/// fmt.Sprintf, mistakes included: `%!d(string=x)`, `%!v(MISSING)`, `%!(EXTRA int=1)`. Widths and
/// precisions are at most 1,000,000, as in Go.
std::string go_sprintf(std::string_view format, const std::vector<Value>& values);

}  // namespace strata::cli
