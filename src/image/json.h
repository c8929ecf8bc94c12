#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace strata {

/// A JSON value that keeps the order of object keys and writes itself byte for byte as Go's
/// encoding/json does (docs/store.md, section 1.3): compact, HTML characters escaped, U+0008 and
/// U+000C as \u0008 and \u000c (Go before 1.22, so all of docker 20.10).
/// Integers are exact within std::int64_t; any other number is a double, written with the shortest
/// digits that read back the same.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in insertion order

  Json() = default;  // null
  // NOLINTBEGIN(google-explicit-constructor)
  Json(std::nullptr_t) {}
  Json(bool b) : v_(b) {}
  Json(int n) : v_(static_cast<std::int64_t>(n)) {}
  Json(std::int64_t n) : v_(n) {}
  Json(std::size_t n) : v_(static_cast<std::int64_t>(n)) {}
  Json(double n) : v_(n) {}
  Json(const char* s) : v_(std::string(s)) {}
  Json(std::string_view s) : v_(std::string(s)) {}
  Json(std::string s) : v_(std::move(s)) {}
  Json(Array a) : v_(std::move(a)) {}
  Json(Object o) : v_(std::move(o)) {}
  // NOLINTEND(google-explicit-constructor)
  static Json array(Array a = {}) { return Json(std::move(a)); }
  static Json object(Object o = {}) { return Json(std::move(o)); }
  /// ["a","b"]; an empty list is [].
  static Json strings(const std::vector<std::string>& list);

  bool is_null() const { return std::holds_alternative<std::monostate>(v_); }
  bool is_bool() const { return std::holds_alternative<bool>(v_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(v_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(v_); }
  bool is_string() const { return std::holds_alternative<std::string>(v_); }
  bool is_array() const { return std::holds_alternative<Array>(v_); }
  bool is_object() const { return std::holds_alternative<Object>(v_); }

  // Access that never fails: the default when the value is of another kind.
  bool as_bool(bool otherwise = false) const;
  std::int64_t as_int(std::int64_t otherwise = 0) const;
  double as_double(double otherwise = 0) const;
  const std::string& as_string() const;         // "" otherwise
  const Array& as_array() const;                // empty otherwise
  const Object& as_object() const;              // empty otherwise
  std::vector<std::string> as_strings() const;  // its string elements

  /// The member `key`, or null. If there is no exact match, keys are compared without case, as Go
  /// decodes; of duplicates the last one wins.
  const Json& operator[](std::string_view key) const;
  /// nullptr if there is no such member (exact match).
  const Json* find(std::string_view key) const;
  /// Sets or appends a member; a null value becomes an object first. Looks through all members:
  /// build an object with many from a Json::Object instead. Returns *this.
  Json& set(std::string key, Json value);
  /// Appends an element; a null value becomes an array first.
  void push(Json value);
  /// Members or elements; 0 for scalars.
  std::size_t size() const;

  bool operator==(const Json&) const = default;

  /// Compact, as Go's json.Marshal.
  std::string dump() const;
  /// As Go's json.MarshalIndent(v, "", indent): an empty array is [], an empty object {}.
  std::string dump_indented(std::string_view indent = "    ") const;

  /// Strict JSON; trailing text, depth over 512, or a number out of range is Corrupt. Invalid UTF-8
  /// in strings becomes U+FFFD, as in Go. The message names the byte offset.
  static Result<Json> parse(std::string_view text);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> v_;
};

/// Appends `s` as a JSON string with quotes, as Go writes it.
void append_go_json_string(std::string& out, std::string_view s);

}  // namespace strata
