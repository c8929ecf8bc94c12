#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "cli/detail/template_value.h"
#include "cli/go_text.h"
#include "image/go_quote.h"

namespace strata::cli {
namespace {

constexpr int kMaxWidth = 1'000'000;

/// One verb of a format: %-5.2f.
struct Spec {
  bool minus = false;
  bool plus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  std::optional<int> width;
  std::optional<int> precision;
  char32_t verb = U'v';
};

std::string pad(std::string text, const Spec& s, bool zeros = false) {
  const std::size_t have = rune_count(text);
  const auto want = static_cast<std::size_t>(s.width.value_or(0));
  if (have >= want) return text;
  if (s.minus) return text.append(want - have, ' ');
  const bool after_sign = zeros && !text.empty() && (text[0] == '-' || text[0] == '+');
  return text.insert(after_sign ? 1 : 0, want - have, zeros ? '0' : ' ');
}

std::string verb_text(const Spec& s) {
  std::string verb;
  append_rune(verb, s.verb);
  return verb;
}

std::string bad_verb(const Spec& s, const Value& value) {
  if (value.is_nil()) return "%!" + verb_text(s) + "(<nil>)";
  return fmt::format("%!{}({}={})", verb_text(s), go_type(value.json()), go_string(value));
}

std::string hex(std::string_view bytes, const Spec& s, bool upper) {
  std::string out;
  const std::string prefix = s.sharp ? (upper ? "0X" : "0x") : "";
  for (std::size_t i = 0; i < bytes.size(); i++) {
    if (i == 0 || s.space) out += (i > 0 ? " " : "") + prefix;
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out += upper ? fmt::format("{:02X}", byte) : fmt::format("{:02x}", byte);
  }
  return out;
}

std::string_view first_runes(std::string_view text, int count) {
  std::size_t end = 0;
  for (; count > 0 && end < text.size(); count--) end += decode_rune(text.substr(end)).size;
  return text.substr(0, end);
}

std::string format_string(const Value& value, const Spec& s) {
  std::string_view text = value.json().as_string();
  const bool quoted = s.verb == U'q' || (s.verb == U'v' && s.sharp);
  if (s.precision && s.verb != U'v') {
    text = s.verb == U'x' || s.verb == U'X' ? text.substr(0, static_cast<std::size_t>(*s.precision))
                                            : first_runes(text, *s.precision);
  }
  if (quoted) {
    const bool raw = s.verb == U'q' && s.sharp && text.find('`') == std::string_view::npos &&
                     std::all_of(text.begin(), text.end(),
                                 [](unsigned char c) { return c >= 0x20 || c == '\t'; });
    return pad(raw ? fmt::format("`{}`", text) : go_quote(text), s);
  }
  switch (s.verb) {
    case U'v':
    case U's':
      return pad(std::string(text), s, s.zero);
    case U'x':
      return pad(hex(text, s, false), s, s.zero);
    case U'X':
      return pad(hex(text, s, true), s, s.zero);
    default:
      return bad_verb(s, value);
  }
}

std::string digits_of(std::uint64_t n, char32_t verb) {
  switch (verb) {
    case U'b':
      return fmt::format("{:b}", n);
    case U'o':
    case U'O':
      return fmt::format("{:o}", n);
    case U'x':
      return fmt::format("{:x}", n);
    case U'X':
      return fmt::format("{:X}", n);
    default:
      return fmt::format("{}", n);
  }
}

std::string_view base_prefix(const Spec& s) {
  if (s.verb == U'O') return "0o";
  if (!s.sharp) return "";
  switch (s.verb) {
    case U'b':
      return "0b";
    case U'o':
      return "0";
    case U'x':
      return "0x";
    case U'X':
      return "0X";
    default:
      return "";
  }
}

std::string format_rune(std::int64_t n, const Spec& s) {
  const char32_t rune = n < 0 || n > 0x10FFFF ? 0xFFFD : static_cast<char32_t>(n);
  std::string out;
  if (s.verb == U'c') append_rune(out, rune);
  if (s.verb == U'q') out = go_quote_rune(rune);
  if (s.verb == U'U') out = fmt::format("U+{:04X}", static_cast<std::uint64_t>(n));
  return pad(out, s);
}

std::string format_int(const Value& value, const Spec& s) {
  const std::int64_t n = value.json().as_int();
  if (std::u32string_view(U"cqU").find(s.verb) != std::u32string_view::npos) {
    return format_rune(n, s);
  }
  if (std::u32string_view(U"vdboOxX").find(s.verb) == std::u32string_view::npos) {
    return bad_verb(s, value);
  }
  const std::uint64_t size =
      n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
  const std::string sign = n < 0 ? "-" : s.plus ? "+" : s.space ? " " : "";
  std::string digits = digits_of(size, s.verb);
  std::size_t least = static_cast<std::size_t>(s.precision.value_or(0));
  if (s.precision == 0 && n == 0) digits.clear();
  if (s.zero && !s.precision && !s.minus && s.width) {
    const auto want = static_cast<std::size_t>(*s.width);
    least = want > sign.size() ? want - sign.size() : 0;
  }
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  return pad(fmt::format("{}{}{}", sign, base_prefix(s), digits), s);
}

// The shortest digits that read back as `d`. Go's %g changes over to an exponent at 1e-5 and 1e6.
std::string shortest(double d) {
  std::array<char, 64> buffer = {};
  const auto in = [&](std::chars_format form) {
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, form).ptr;
    return std::string(buffer.data(), end);
  };
  std::string scientific = in(std::chars_format::scientific);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  return exponent < -4 || exponent >= 6 ? scientific : in(std::chars_format::fixed);
}

std::string float_digits(double d, const Spec& s) {
  if (std::isinf(d)) return d < 0 ? "-Inf" : "+Inf";
  if (std::isnan(d)) return "NaN";
  const bool general = s.verb == U'v' || s.verb == U'g' || s.verb == U'G';
  std::string text;
  if (general && !s.precision) {
    text = shortest(d);
  } else {
    const int precision = std::min(s.precision.value_or(6), 1000);
    const char* format = general ? "%.*g" : s.verb == U'e' || s.verb == U'E' ? "%.*e" : "%.*f";
    std::array<char, 1400> buffer = {};
    // NOLINTNEXTLINE: the formats are the literals above
    const int n = std::snprintf(buffer.data(), buffer.size(), format, precision, d);
    text.assign(buffer.data(), static_cast<std::size_t>(n));
  }
  if (s.verb == U'E' || s.verb == U'G') std::replace(text.begin(), text.end(), 'e', 'E');
  return text;
}

std::string format_float(const Value& value, const Spec& s) {
  if (std::u32string_view(U"vgGeEfF").find(s.verb) == std::u32string_view::npos) {
    return bad_verb(s, value);
  }
  std::string text = float_digits(value.json().as_double(), s);
  if (text[0] != '-' && text[0] != '+') {
    if (s.plus) text.insert(0, 1, '+');
    if (!s.plus && s.space) text.insert(0, 1, ' ');
  } else if (text == "+Inf" && !s.plus) {
    return pad(s.space ? " Inf" : "+Inf", s);
  }
  const bool finite = std::isfinite(value.json().as_double());
  return pad(std::move(text), s, s.zero && finite && !s.minus);
}

std::string format_value(const Value& value, const Spec& s);

std::string format_list(const Value& value, const Spec& s) {
  const bool syntax = s.verb == U'v' && s.sharp;
  std::string out = syntax ? "[]interface {}{" : "[";
  bool first = true;
  for (const Json& element : value.json().as_array()) {
    if (!first) out += syntax ? ", " : " ";
    first = false;
    out += format_value(Value::borrowed(element), s);
  }
  return out + (syntax ? "}" : "]");
}

std::string format_map(const Value& value, const Spec& s) {
  const bool syntax = s.verb == U'v' && s.sharp;
  std::string out = syntax ? "map[string]interface {}{" : "map[";
  bool first = true;
  for (const Json::Member* m : sorted_members(value.json())) {
    if (!first) out += syntax ? ", " : " ";
    first = false;
    out += format_value(Value::made(Json(m->first)), s) + ":";
    out += format_value(Value::borrowed(m->second), s);
  }
  return out + (syntax ? "}" : "]");
}

// JSON nests at most 512 deep, so the recursion is bounded.
std::string format_value(const Value& value, const Spec& s) {
  if (s.verb == U'T') return pad(std::string(go_type(value.json())), s);
  if (s.verb == U'p') return bad_verb(s, value);
  const Json& json = value.json();
  if (json.is_string()) return format_string(value, s);
  if (json.is_int()) return format_int(value, s);
  if (json.is_number()) return format_float(value, s);
  if (json.is_bool()) {
    if (s.verb != U'v' && s.verb != U't') return bad_verb(s, value);
    return pad(json.as_bool() ? "true" : "false", s);
  }
  if (value.is_list()) return format_list(value, s);
  if (value.is_map()) return format_map(value, s);
  return s.verb == U'v' ? pad("<nil>", s) : bad_verb(s, value);
}

/// A format being worked off against its operands.
class Formatter {
 public:
  Formatter(std::string_view format, const std::vector<Value>& values)
      : format_(format), values_(values) {}

  std::string run();

 private:
  bool more() const { return pos_ < format_.size(); }
  void flags(Spec& s);
  std::optional<int> number();
  std::optional<int> size(std::string_view bad);
  void index();
  void verb(Spec& s);

  std::string_view format_;
  const std::vector<Value>& values_;
  std::size_t pos_ = 0;
  std::size_t next_ = 0;
  bool reordered_ = false;
  bool bad_index_ = false;
  std::string out_;
};

void Formatter::flags(Spec& s) {
  for (; more(); pos_++) {
    switch (format_[pos_]) {
      case '-':
        s.minus = true;
        break;
      case '+':
        s.plus = true;
        break;
      case '#':
        s.sharp = true;
        break;
      case ' ':
        s.space = true;
        break;
      case '0':
        s.zero = true;
        break;
      default:
        s.zero = s.zero && !s.minus;
        return;
    }
  }
}

std::optional<int> Formatter::number() {
  const std::size_t start = pos_;
  int n = 0;
  for (; more() && format_[pos_] >= '0' && format_[pos_] <= '9'; pos_++) {
    n = std::min(n * 10 + (format_[pos_] - '0'), kMaxWidth);
  }
  return pos_ > start ? std::optional(n) : std::nullopt;
}

// "[3]": the next operand by its number, from 1.
void Formatter::index() {
  if (!more() || format_[pos_] != '[') return;
  reordered_ = true;
  pos_++;
  const auto n = number();
  if (!n || *n < 1 || static_cast<std::size_t>(*n) > values_.size() || !more() ||
      format_[pos_] != ']') {
    bad_index_ = true;
    const std::size_t close = format_.find(']', pos_);
    if (close != std::string_view::npos) pos_ = close + 1;
    return;
  }
  pos_++;
  next_ = static_cast<std::size_t>(*n - 1);
}

// A width or precision: digits, or "*" for an operand.
std::optional<int> Formatter::size(std::string_view bad) {
  if (!more() || format_[pos_] != '*') return number();
  pos_++;
  const Json* n = next_ < values_.size() ? &values_[next_++].json() : nullptr;
  if (n == nullptr || !n->is_int() || n->as_int() > kMaxWidth || n->as_int() < -kMaxWidth) {
    out_ += bad;
    return std::nullopt;
  }
  return static_cast<int>(n->as_int());
}

void Formatter::verb(Spec& s) {
  const Rune r = decode_rune(format_.substr(pos_));
  pos_ += r.size;
  s.verb = r.value;
  if (s.verb == U'%') {
    out_ += '%';
  } else if (bad_index_) {
    out_ += fmt::format("%!{}(BADINDEX)", verb_text(s));
  } else if (next_ >= values_.size()) {
    out_ += fmt::format("%!{}(MISSING)", verb_text(s));
  } else {
    if (s.verb == U'w') s.verb = U'v';
    out_ += format_value(values_[next_++], s);
  }
}

std::string Formatter::run() {
  while (more()) {
    const std::size_t percent = std::min(format_.find('%', pos_), format_.size());
    out_ += format_.substr(pos_, percent - pos_);
    pos_ = percent + 1;
    if (percent == format_.size()) break;
    Spec s;
    bad_index_ = false;
    flags(s);
    index();
    s.width = size("%!(BADWIDTH)");
    if (s.width && *s.width < 0) {
      s.minus = true;
      s.zero = false;
      s.width = -*s.width;
    }
    if (more() && format_[pos_] == '.') {
      pos_++;
      index();
      s.precision = size("%!(BADPREC)").value_or(0);
      if (*s.precision < 0) s.precision.reset();
    }
    index();
    if (!more()) {
      out_ += "%!(NOVERB)";
      break;
    }
    verb(s);
  }
  if (reordered_ || next_ >= values_.size()) return std::move(out_);
  out_ += "%!(EXTRA ";
  for (std::size_t i = next_; i < values_.size(); i++) {
    if (i > next_) out_ += ", ";
    out_ += values_[i].is_nil()
                ? "<nil>"
                : fmt::format("{}={}", go_type(values_[i].json()), go_string(values_[i]));
  }
  return out_ + ")";
}

}  // namespace

std::string go_string(const Value& value) { return format_value(value, Spec()); }

std::string go_sprint(const std::vector<Value>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); i++) {
    const bool blank = i > 0 && !values[i].json().is_string() && !values[i - 1].json().is_string();
    out += (blank ? " " : "") + go_string(values[i]);
  }
  return out;
}

std::string go_sprintln(const std::vector<Value>& values) {
  std::string out;
  for (const Value& value : values) out += (out.empty() ? "" : " ") + go_string(value);
  return out + "\n";
}

std::string go_sprintf(std::string_view format, const std::vector<Value>& values) {
  return Formatter(format, values).run();
}

}  // namespace strata::cli
