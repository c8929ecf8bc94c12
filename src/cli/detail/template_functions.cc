#include "cli/detail/template_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/detail/template_tree.h"
#include "cli/go_text.h"

namespace strata::cli {
namespace {

using Args = std::vector<Value>;

Error failure(std::string message) { return {ErrorCode::InvalidArgument, std::move(message)}; }
Value text(std::string s) { return Value::made(Json(std::move(s))); }

// --- letters -------------------------------------------------------------------------------------

struct CaseRange {
  char32_t lower_first;
  char32_t lower_last;
  char32_t distance;  // lower minus upper
};
// ASCII, Latin-1, Greek, Cyrillic; other scripts keep their case.
constexpr CaseRange kCases[] = {{U'a', U'z', 32},     {0xE0, 0xF6, 32},     {0xF8, 0xFE, 32},
                                {0x03B1, 0x03C1, 32}, {0x03C3, 0x03C9, 32}, {0x0430, 0x044F, 32},
                                {0x0450, 0x045F, 80}};

char32_t to_upper(char32_t c) {
  for (const CaseRange& r : kCases) {
    if (c >= r.lower_first && c <= r.lower_last) return c - r.distance;
  }
  return c;
}
char32_t to_lower(char32_t c) {
  for (const CaseRange& r : kCases) {
    if (c >= r.lower_first - r.distance && c <= r.lower_last - r.distance) return c + r.distance;
  }
  return c;
}

template <class F>
std::string map_runes(std::string_view s, F f) {
  std::string out;
  while (!s.empty()) {
    const Rune r = decode_rune(s);
    append_rune(out, f(r.value));
    s.remove_prefix(r.size);
  }
  return out;
}

bool is_letter_or_digit(char32_t c) {
  if (c >= 0x80) return is_printable(c);
  return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z');
}

// --- docker's functions --------------------------------------------------------------------------

Result<Value> call_json(const Args& a) { return text(json_without_html_escapes(a[0].json())); }
Result<Value> call_lower(const Args& a) {
  return text(map_runes(a[0].json().as_string(), to_lower));
}
Result<Value> call_upper(const Args& a) {
  return text(map_runes(a[0].json().as_string(), to_upper));
}

Result<Value> call_title(const Args& a) {
  bool in_word = false;
  return text(map_runes(a[0].json().as_string(), [&](char32_t c) {
    const char32_t shown = in_word ? c : to_upper(c);
    in_word = is_letter_or_digit(c);
    return shown;
  }));
}

Result<Value> call_split(const Args& a) {
  std::string_view rest = a[0].json().as_string();
  const std::string& separator = a[1].json().as_string();
  Json parts = Json::array();
  while (separator.empty() && !rest.empty()) {
    const std::size_t size = decode_rune(rest).size;
    parts.push(Json(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  if (separator.empty()) return Value::made(std::move(parts));
  for (std::size_t at = rest.find(separator); at != std::string_view::npos;
       at = rest.find(separator)) {
    parts.push(Json(rest.substr(0, at)));
    rest.remove_prefix(at + separator.size());
  }
  parts.push(Json(rest));
  return Value::made(std::move(parts));
}

Result<Value> call_join(const Args& a) {
  std::string out;
  bool first = true;
  for (const Json& part : a[0].json().as_array()) {
    if (!first) out += a[1].json().as_string();
    first = false;
    out += part.as_string();
  }
  return text(std::move(out));
}

Result<Value> call_pad(const Args& a) {
  const std::string& s = a[0].json().as_string();
  const std::int64_t before = a[1].json().as_int();
  const std::int64_t after = a[2].json().as_int();
  if (s.empty()) return text("");
  if (before < 0 || after < 0) return failure("strings: negative Repeat count");
  if (before > 1'000'000 || after > 1'000'000) return failure("padding is wider than 1000000");
  return text(std::string(static_cast<std::size_t>(before), ' ') + s +
              std::string(static_cast<std::size_t>(after), ' '));
}

Result<Value> call_truncate(const Args& a) {
  const std::string& s = a[0].json().as_string();
  const std::int64_t n = a[1].json().as_int();
  if (n < 0) return failure(fmt::format("runtime error: slice bounds out of range [:{}]", n));
  return text(s.substr(0, static_cast<std::size_t>(n)));
}

// --- Go's functions ------------------------------------------------------------------------------

Result<Value> call_print(const Args& a) { return text(go_sprint(a)); }
Result<Value> call_println(const Args& a) { return text(go_sprintln(a)); }
Result<Value> call_printf(const Args& a) {
  return text(go_sprintf(a[0].json().as_string(), Args(a.begin() + 1, a.end())));
}

Result<Value> call_len(const Args& a) {
  const Value& v = a[0];
  if (v.json().is_string()) return Value::made(Json(v.json().as_string().size()));
  if (v.is_list() || v.is_map()) return Value::made(Json(v.json().size()));
  if (!v.exists() || v.is_nil()) return failure("len of nil pointer");
  return failure(fmt::format("len of type {}", go_type(v.json())));
}

// An index of something of `size` elements, at most `size`, as Go's indexArg.
Result<std::size_t> position(const Value& index, std::size_t size) {
  const Json& json = index.json();
  if (json.is_null()) return failure("cannot index slice/array with nil");
  if (!json.is_int()) {
    return failure(fmt::format("cannot index slice/array with type {}", go_type(json)));
  }
  const std::int64_t n = json.as_int();
  if (n < 0 || static_cast<std::uint64_t>(n) > size) {
    return failure(fmt::format("index out of range: {}", n));
  }
  return static_cast<std::size_t>(n);
}

// A key that a map of strings lacks gives its zero value, ""; docker's labels are such a map.
Value absent_entry(const Value& map) {
  const Json::Object& members = map.json().as_object();
  const bool strings = std::all_of(members.begin(), members.end(),
                                   [](const Json::Member& m) { return m.second.is_string(); });
  return map.kind == GoKind::Map && strings ? text("") : Value();
}

Result<Value> entry(const Value& map, const Value& key) {
  if (key.json().is_null()) return failure("value is nil; should be of type string");
  if (!key.json().is_string()) {
    return failure(fmt::format("value has type {}; should be string", go_type(key.json())));
  }
  const Json* found = map.json().find(key.json().as_string());
  return found == nullptr ? absent_entry(map) : map.part(*found);
}

Result<Value> element(const Value& item, const Value& index) {
  const bool list = item.is_list();
  const std::string& s = item.json().as_string();
  const std::size_t size = list ? item.json().size() : s.size();
  const std::size_t at = TRY(position(index, size));
  if (at == size) {
    return failure(fmt::format("reflect: {} index out of range", list ? "slice" : "string"));
  }
  if (list) return item.part(item.json().as_array()[at]);
  return Value::made(Json(static_cast<std::int64_t>(static_cast<unsigned char>(s[at]))));
}

Result<Value> call_index(const Args& a) {
  Value item = a[0];
  if (!item.exists() || item.is_nil()) return failure("index of untyped nil");
  for (std::size_t i = 1; i < a.size(); i++) {
    if (item.is_nil()) return failure("index of nil pointer");
    if (item.is_map()) {
      item = TRY(entry(item, a[i]));
    } else if (item.is_list() || item.json().is_string()) {
      item = TRY(element(item, a[i]));
    } else {
      return failure(fmt::format("can't index item of type {}", go_type(item.json())));
    }
    item.member = true;
  }
  return item;
}

Result<Value> call_slice(const Args& a) {
  const Value& item = a[0];
  if (!item.exists() || item.is_nil()) return failure("slice of untyped nil");
  if (a.size() > 4) return failure(fmt::format("too many slice indexes: {}", a.size() - 1));
  const bool string = item.json().is_string();
  if (!string && !item.is_list()) {
    return failure(fmt::format("can't slice item of type {}", go_type(item.json())));
  }
  if (string && a.size() == 4) return failure("cannot 3-index slice a string");
  const std::size_t size = string ? item.json().as_string().size() : item.json().size();
  std::array<std::size_t, 3> at = {0, size, size};
  for (std::size_t i = 1; i < a.size(); i++) at[i - 1] = TRY(position(a[i], size));
  const auto [first, last, limit] = at;
  if (first > last) return failure(fmt::format("invalid slice index: {} > {}", first, last));
  if (last > limit) return failure(fmt::format("invalid slice index: {} > {}", last, limit));
  if (string) return text(item.json().as_string().substr(first, last - first));
  const auto begin = item.json().as_array().begin();
  return Value::made(Json::array(
      {begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last)}));
}

// --- comparison ----------------------------------------------------------------------------------

constexpr const char* kIncompatible = "incompatible types for comparison";
constexpr const char* kNotComparable = "invalid type for comparison";

Result<bool> equal(const Value& a, const Value& b) {
  for (const Value* v : {&a, &b}) {
    if (v->is_list() || v->is_map()) {
      return failure(fmt::format("uncomparable type {}: {}", go_type(v->json()), go_string(*v)));
    }
  }
  if (go_type(a.json()) != go_type(b.json())) return failure(kIncompatible);
  return a.json() == b.json();
}

Result<bool> less(const Value& a, const Value& b) {
  const auto ordered = [](const Json& j) { return j.is_string() || j.is_number(); };
  if (!ordered(a.json()) || !ordered(b.json())) return failure(kNotComparable);
  if (go_type(a.json()) != go_type(b.json())) return failure(kIncompatible);
  if (a.json().is_string()) return a.json().as_string() < b.json().as_string();
  if (a.json().is_int()) return a.json().as_int() < b.json().as_int();
  return a.json().as_double() < b.json().as_double();
}

Value boolean(bool b) { return Value::made(Json(b)); }

Result<Value> call_eq(const Args& a) {
  if (a.size() < 2) return failure("missing argument for comparison");
  for (std::size_t i = 1; i < a.size(); i++) {
    const bool same = TRY(equal(a[0], a[i]));
    if (same) return boolean(true);
  }
  return boolean(false);
}

Result<Value> is(Result<bool> comparison, bool wanted) {
  const bool holds = TRY(std::move(comparison));
  return boolean(holds == wanted);
}
Result<Value> call_ne(const Args& a) { return is(equal(a[0], a[1]), false); }
Result<Value> call_lt(const Args& a) { return is(less(a[0], a[1]), true); }
Result<Value> call_ge(const Args& a) { return is(less(a[0], a[1]), false); }
Result<Value> call_gt(const Args& a) { return is(less(a[1], a[0]), true); }
Result<Value> call_le(const Args& a) { return is(less(a[1], a[0]), false); }
Result<Value> call_not(const Args& a) { return boolean(!truth(a[0])); }

Result<Value> call_and(const Args& a) {
  for (const Value& v : a) {
    if (!truth(v)) return v;
  }
  return a.back();
}
Result<Value> call_or(const Args& a) {
  for (const Value& v : a) {
    if (truth(v)) return v;
  }
  return a.back();
}

// --- escapes -------------------------------------------------------------------------------------

Result<Value> call_html(const Args& a) {
  std::string out;
  for (const char c : go_sprint(a)) {
    switch (c) {
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\0':
        append_rune(out, 0xFFFD);
        break;
      default:
        out += c;
    }
  }
  return text(std::move(out));
}

Result<Value> call_js(const Args& a) {
  const std::string all = go_sprint(a);
  std::string out;
  for (std::string_view rest = all; !rest.empty();) {
    const Rune r = decode_rune(rest);
    const char32_t c = r.value;
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '<' || c == '>' || c == '&' || c == '=' || !is_printable(c)) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += rest.substr(0, r.size);
    }
    rest.remove_prefix(r.size);
  }
  return text(std::move(out));
}

Result<Value> call_urlquery(const Args& a) {
  std::string out;
  for (const char c : go_sprint(a)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (byte < 0x80 && is_letter_or_digit(byte)) || c == '-' || c == '.' || c == '~';
    if (c == ' ') {
      out += '+';
    } else if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return text(std::move(out));
}

constexpr TemplateFunction kFunctions[] = {
    {"and", "aa", true, call_and},       {"eq", "aa", true, call_eq},
    {"ge", "aa", false, call_ge},        {"gt", "aa", false, call_gt},
    {"html", "a", true, call_html},      {"index", "aa", true, call_index},
    {"join", "ls", false, call_join},    {"js", "a", true, call_js},
    {"json", "a", false, call_json},     {"le", "aa", false, call_le},
    {"len", "a", false, call_len},       {"lower", "s", false, call_lower},
    {"lt", "aa", false, call_lt},        {"ne", "aa", false, call_ne},
    {"not", "a", false, call_not},       {"or", "aa", true, call_or},
    {"pad", "sii", false, call_pad},     {"print", "a", true, call_print},
    {"printf", "sa", true, call_printf}, {"println", "a", true, call_println},
    {"slice", "aa", true, call_slice},   {"split", "ss", false, call_split},
    {"title", "s", false, call_title},   {"truncate", "si", false, call_truncate},
    {"upper", "s", false, call_upper},   {"urlquery", "a", true, call_urlquery},
};

}  // namespace

const TemplateFunction* find_template_function(std::string_view name) {
  const auto it = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                               [&](const TemplateFunction& f) { return f.name == name; });
  return it == std::end(kFunctions) ? nullptr : it;
}

bool is_template_function(std::string_view name) { return find_template_function(name) != nullptr; }

std::string json_without_html_escapes(const Json& json) {
  const std::string escaped = json.dump();
  std::string out;
  for (std::size_t i = 0; i < escaped.size(); i++) {
    const std::string_view rest = std::string_view(escaped).substr(i, 6);
    if (rest[0] != '\\') {
      out += rest[0];
      continue;
    }
    const char plain = rest == "\\u003c"   ? '<'
                       : rest == "\\u003e" ? '>'
                       : rest == "\\u0026" ? '&'
                                           : 0;
    if (plain != 0) {
      out += plain;
      i += 5;
    } else {  // an escape of two characters, or the beginning of a longer one
      out += rest.substr(0, 2);
      i++;
    }
  }
  return out;
}

}  // namespace strata::cli
