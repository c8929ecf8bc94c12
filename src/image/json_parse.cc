#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "image/detail/utf8.h"
#include "image/json.h"

namespace strata {
namespace {

constexpr int kMaxDepth = 512;

// Strict RFC 8259 in one pass. Every function returns false after fail(), which keeps the first
// reason and the offset.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Json> document() {
    Json v;
    if (value(v, 0)) {
      skip_space();
      if (at_ == text_.size()) return v;
      fail("unexpected text after the value");
    }
    return Error(ErrorCode::Corrupt,
                 "invalid JSON at byte " + std::to_string(at_) + ": " + reason_);
  }

 private:
  bool fail(const char* reason) {
    reason_ = reason;
    return false;
  }
  bool fail_here() { return fail(at_ < text_.size() ? "unexpected character" : "unexpected end"); }
  // '\0' at the end: no place in the grammar takes it, so the end needs no test of its own.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    at_++;
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') at_++;
  }

  bool value(Json& out, int depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return object(out, depth + 1);
      case '[':
        return array(out, depth + 1);
      case '"':
        return string_value(out);
      case 't':
        return word("true", out, true);
      case 'f':
        return word("false", out, false);
      case 'n':
        return word("null", out, nullptr);
      default:
        return number(out);
    }
  }

  bool word(std::string_view w, Json& out, Json v) {
    if (!text_.substr(at_).starts_with(w)) return fail("unexpected word");
    at_ += w.size();
    out = std::move(v);
    return true;
  }

  bool object(Json& out, int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    Json::Object members;
    at_++;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        Json::Member& m = members.emplace_back();
        if (!string(m.first)) return false;
        skip_space();
        if (!take(':')) return fail_here();
        if (!value(m.second, depth)) return false;
        skip_space();
      } while (take(','));
      if (!take('}')) return fail_here();
    }
    out = Json(std::move(members));
    return true;
  }

  bool array(Json& out, int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    Json::Array elements;
    at_++;
    skip_space();
    if (!take(']')) {
      do {
        if (!value(elements.emplace_back(), depth)) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return fail_here();
    }
    out = Json(std::move(elements));
    return true;
  }

  bool string_value(Json& out) {
    std::string s;
    if (!string(s)) return false;
    out = Json(std::move(s));
    return true;
  }

  bool string(std::string& out) {
    if (!take('"')) return fail_here();
    while (at_ < text_.size()) {
      const std::size_t start = at_;
      while (at_ < text_.size() && is_plain(text_[at_])) at_++;
      out += text_.substr(start, at_ - start);
      if (take('"')) return true;
      if (at_ == text_.size()) break;
      if (take('\\')) {
        if (!escape(out)) return false;
      } else if (static_cast<unsigned char>(text_[at_]) < 0x20) {
        return fail("control character in a string");
      } else {
        const Rune rune = decode_rune(text_.substr(at_));
        append_utf8(out, rune.value);
        at_ += rune.length;
      }
    }
    return fail("unexpected end of a string");
  }
  static bool is_plain(char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u < 0x80 && c != '"' && c != '\\';
  }

  bool escape(std::string& out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (take('u')) return unicode_escape(out);
    const std::size_t i = at_ < text_.size() ? kFrom.find(text_[at_]) : std::string_view::npos;
    if (i == std::string_view::npos) return fail("unknown escape");
    out += kTo[i];
    at_++;
    return true;
  }

  // A pair of surrogates is one character; a lone one becomes U+FFFD, as in Go.
  bool unicode_escape(std::string& out) {
    const auto high = hex4();
    if (!high) return fail("\\u without four hex digits");
    char32_t c = *high;
    if (c >= 0xD800 && c < 0xE000) {
      const std::size_t after = at_;
      std::optional<char32_t> low;
      if (c < 0xDC00 && take('\\') && take('u')) low = hex4();
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        c = kReplacementRune;
        at_ = after;  // what follows stands for itself, or is an error of its own
      }
    }
    append_utf8(out, c);
    return true;
  }

  std::optional<char32_t> hex4() {
    std::uint16_t v = 0;
    const std::string_view digits = text_.substr(at_, 4);
    if (digits.size() < 4) return std::nullopt;
    const auto r = std::from_chars(digits.data(), digits.data() + 4, v, 16);
    if (r.ec != std::errc() || r.ptr != digits.data() + 4) return std::nullopt;
    at_ += 4;
    return v;
  }

  bool digits() {
    if (!is_digit(peek())) return fail_here();
    while (is_digit(peek())) at_++;
    return true;
  }

  bool number(Json& out) {
    const std::size_t start = at_;
    bool integer = true;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.')) {
      integer = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      integer = false;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    const std::string_view text = text_.substr(start, at_ - start);
    // -0 is a double, so that it is written as it was read.
    if (integer && text != "-0" && int64(text, out)) return true;
    if (float64(text, out)) return true;
    at_ = start;
    return fail("number out of range");
  }

  static bool int64(std::string_view text, Json& out) {
    std::int64_t n = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc()) return false;
    out = Json(n);
    return true;
  }

  static bool float64(std::string_view text, Json& out) {
    double d = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), d);
    if (r.ec == std::errc::result_out_of_range) {
      // Too small is zero or denormal, too large is an error: from_chars does not say which.
      d = std::strtod(std::string(text).c_str(), nullptr);
      if (std::isinf(d)) return false;
    }
    out = Json(d);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* reason_ = "";
};

}  // namespace

Result<Json> Json::parse(std::string_view text) { return Parser(text).document(); }

}  // namespace strata
