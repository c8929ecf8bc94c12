#include "image/json.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "image/detail/json_key.h"
#include "image/detail/utf8.h"

namespace strata {
namespace {

// The shortest digits that read back as the same double, laid out as Go's encoder does: plain
// between 1e-6 and 1e21, with an exponent of no leading zero outside.
void append_go_double(std::string& out, double d) {
  if (!std::isfinite(d)) {  // JSON has no such number; Go refuses to encode it
    out += "null";
    return;
  }
  char buffer[40];
  const char* end = std::to_chars(buffer, std::end(buffer), d, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 1) digits += text.substr(2, e - 2);
  int exponent = 0;
  std::from_chars(text.data() + e + 2, text.data() + text.size(), exponent);
  if (text[e + 1] == '-') exponent = -exponent;

  if (exponent < -6 || exponent >= 21) {
    out += text.substr(0, e + 2);
    out += std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out += digits.substr(0, whole);
    if (digits.size() > whole) out += '.' + digits.substr(whole);
  }
}

void append_escape(std::string& out, unsigned c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 0xFU];
}

void append_go_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      append_escape(out, static_cast<unsigned char>(c));
  }
}

bool is_plain_in_go_json(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x20 && u < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

// One walk for both forms: compact when `indent_` is null.
class Writer {
 public:
  explicit Writer(std::string& out, const std::string_view* indent) : out_(out), indent_(indent) {}

  void value(const Json& v) {
    if (v.is_object()) return list(v.as_object(), '{', '}');
    if (v.is_array()) return list(v.as_array(), '[', ']');
    if (v.is_string()) return append_go_json_string(out_, v.as_string());
    if (v.is_int()) {
      out_ += std::to_string(v.as_int());
    } else if (v.is_number()) {
      append_go_double(out_, v.as_double());
    } else if (v.is_bool()) {
      out_ += v.as_bool() ? "true" : "false";
    } else {
      out_ += "null";
    }
  }

 private:
  template <class Items>
  void list(const Items& items, char open, char close) {
    out_ += open;
    depth_++;
    bool first = true;
    for (const auto& i : items) {
      if (!first) out_ += ',';
      first = false;
      new_line();
      item(i);
    }
    depth_--;
    if (!first) new_line();
    out_ += close;
  }
  void item(const Json& v) { value(v); }
  void item(const Json::Member& m) {
    append_go_json_string(out_, m.first);
    out_ += indent_ != nullptr ? ": " : ":";
    value(m.second);
  }
  void new_line() {
    if (indent_ == nullptr) return;
    out_ += '\n';
    for (int i = 0; i < depth_; i++) out_ += *indent_;
  }

  std::string& out_;
  const std::string_view* indent_;
  int depth_ = 0;
};

}  // namespace

void append_go_json_string(std::string& out, std::string_view s) {
  out += '"';
  while (!s.empty()) {
    const auto stop = std::find_if_not(s.begin(), s.end(), is_plain_in_go_json);
    const auto plain = static_cast<std::size_t>(stop - s.begin());
    out += s.substr(0, plain);
    s.remove_prefix(plain);
    if (s.empty()) break;
    if (static_cast<unsigned char>(s[0]) < 0x80) {
      append_go_ascii(out, s[0]);
      s.remove_prefix(1);
      continue;
    }
    const Rune rune = decode_rune(s);
    if (!rune.valid || rune.value == 0x2028 || rune.value == 0x2029) {
      append_escape(out, static_cast<unsigned>(rune.value));
    } else {
      out += s.substr(0, rune.length);
    }
    s.remove_prefix(rune.length);
  }
  out += '"';
}

Json Json::strings(const std::vector<std::string>& list) {
  return Json(Array(list.begin(), list.end()));
}

bool Json::as_bool(bool otherwise) const {
  const auto* v = std::get_if<bool>(&v_);
  return v != nullptr ? *v : otherwise;
}

std::int64_t Json::as_int(std::int64_t otherwise) const {
  const auto* v = std::get_if<std::int64_t>(&v_);
  return v != nullptr ? *v : otherwise;
}

double Json::as_double(double otherwise) const {
  if (is_int()) return static_cast<double>(as_int());
  const auto* v = std::get_if<double>(&v_);
  return v != nullptr ? *v : otherwise;
}

const std::string& Json::as_string() const {
  static const std::string empty;
  const auto* v = std::get_if<std::string>(&v_);
  return v != nullptr ? *v : empty;
}

const Json::Array& Json::as_array() const {
  static const Array empty;
  const auto* v = std::get_if<Array>(&v_);
  return v != nullptr ? *v : empty;
}

const Json::Object& Json::as_object() const {
  static const Object empty;
  const auto* v = std::get_if<Object>(&v_);
  return v != nullptr ? *v : empty;
}

std::vector<std::string> Json::as_strings() const {
  std::vector<std::string> out;
  for (const Json& v : as_array())
    if (v.is_string()) out.push_back(v.as_string());
  return out;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  if (const Json* exact = find(key)) return *exact;
  const Object& members = as_object();
  const auto m = std::find_if(members.rbegin(), members.rend(), [&](const Member& candidate) {
    return equal_json_key(candidate.first, key);
  });
  return m != members.rend() ? m->second : null;
}

const Json* Json::find(std::string_view key) const {
  const Object& members = as_object();
  const auto m = std::find_if(members.rbegin(), members.rend(),
                              [&](const Member& candidate) { return candidate.first == key; });
  return m != members.rend() ? &m->second : nullptr;
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) v_ = Object();
  assert(is_object());
  auto& members = std::get<Object>(v_);
  const auto m = std::find_if(members.rbegin(), members.rend(),
                              [&](const Member& candidate) { return candidate.first == key; });
  if (m != members.rend()) {
    m->second = std::move(value);
  } else {
    members.emplace_back(std::move(key), std::move(value));
  }
  return *this;
}

void Json::push(Json value) {
  if (is_null()) v_ = Array();
  assert(is_array());
  std::get<Array>(v_).push_back(std::move(value));
}

std::size_t Json::size() const { return as_object().size() + as_array().size(); }

std::string Json::dump() const {
  std::string out;
  Writer(out, nullptr).value(*this);
  return out;
}

std::string Json::dump_indented(std::string_view indent) const {
  std::string out;
  Writer(out, &indent).value(*this);
  return out;
}

}  // namespace strata
