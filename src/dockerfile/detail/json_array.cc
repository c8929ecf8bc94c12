#include <cstdint>

#include "dockerfile/detail/text.h"
#include "dockerfile/detail/unicode.h"
#include "dockerfile/detail/words.h"

// JSON as Go decodes it (RFC 8259): a Dockerfile's exec form must be told from shell text exactly
// as docker does, and bad text is not an error here. So this is a validator that keeps the strings.
namespace strata::dockerfile::detail {
namespace {

constexpr int kMaxDepth = 1000;  // of nested arrays and objects

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // Whether the whole text is one array. `strings` gets its strings; `others` says that it holds
  // other things too.
  bool top_array(std::vector<std::string>& strings, bool& others) {
    const auto element = [&] {
      skip_blanks();
      if (peek() != '"') {
        others = true;
        return value(1);
      }
      return string(&strings.emplace_back());
    };
    skip_blanks();
    if (!list('[', ']', element)) return false;
    skip_blanks();
    return text_.empty();
  }

 private:
  char peek() const { return text_.empty() ? '\0' : text_[0]; }
  bool accept(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void skip_blanks() {
    const std::size_t n = text_.find_first_not_of(" \t\r\n");
    text_.remove_prefix(n == text_.npos ? text_.size() : n);
  }

  template <class Element>
  bool list(char open, char close, Element element) {
    if (!accept(open)) return false;
    skip_blanks();
    if (accept(close)) return true;
    do {
      if (!element()) return false;
      skip_blanks();
    } while (accept(','));
    return accept(close);
  }

  bool value(int depth) {
    if (depth > kMaxDepth) return false;
    skip_blanks();
    const auto member = [&] {
      skip_blanks();
      if (!string(nullptr)) return false;
      skip_blanks();
      return accept(':') && value(depth + 1);
    };
    switch (peek()) {
      case '[':
        return list('[', ']', [&] { return value(depth + 1); });
      case '{':
        return list('{', '}', member);
      case '"':
        return string(nullptr);
      case 't':
        return accept_word("true");
      case 'f':
        return accept_word("false");
      case 'n':
        return accept_word("null");
      default:
        return number();
    }
  }

  bool digits() {
    const std::size_t n = text_.find_first_not_of("0123456789");
    if (n == 0 || text_.empty()) return false;
    text_.remove_prefix(n == text_.npos ? text_.size() : n);
    return true;
  }
  bool number() {
    accept('-');
    if (!accept('0') && !digits()) return false;
    if (accept('.') && !digits()) return false;
    if (!accept('e') && !accept('E')) return true;
    if (!accept('+')) accept('-');
    return digits();
  }

  // `out` may be null.
  bool string(std::string* out) {
    std::string ignored;
    if (out == nullptr) out = &ignored;
    if (!accept('"')) return false;
    while (!text_.empty()) {
      if (accept('"')) return true;
      if (static_cast<unsigned char>(text_[0]) < 0x20) return false;
      if (accept('\\')) {
        if (!escaped(*out)) return false;
        continue;
      }
      const Rune rune = decode_rune(text_, 0);
      append_rune(*out, rune.value >= kBadByte && rune.value <= kBadByte + 0xFF ? kReplacement
                                                                                : rune.value);
      text_.remove_prefix(rune.size);
    }
    return false;
  }

  bool escaped(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (accept('u')) return unicode_escape(out);
    const std::size_t letter = text_.empty() ? kLetters.npos : kLetters.find(text_[0]);
    if (letter == kLetters.npos) return false;
    out += kMeanings[letter];
    text_.remove_prefix(1);
    return true;
  }

  // Half a surrogate pair alone becomes the replacement character.
  bool unicode_escape(std::string& out) {
    const auto first = hex4();
    if (!first) return false;
    char32_t rune = *first;
    if (rune >= 0xD800 && rune <= 0xDBFF && text_.starts_with("\\u")) {
      const std::string_view before = text_;
      text_.remove_prefix(2);
      const auto second = hex4();
      if (!second) return false;
      if (*second >= 0xDC00 && *second <= 0xDFFF) {
        append_rune(out, 0x10000 + ((rune - 0xD800) << 10) + (*second - 0xDC00));
        return true;
      }
      text_ = before;
    }
    if (rune >= 0xD800 && rune <= 0xDFFF) rune = kReplacement;
    append_rune(out, rune);
    return true;
  }

  std::optional<char32_t> hex4() {
    char32_t value = 0;
    if (text_.size() < 4) return std::nullopt;
    for (const char c : text_.substr(0, 4)) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(to_lower({&c, 1}));
      if (digit == std::string_view::npos) return std::nullopt;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    text_.remove_prefix(4);
    return value;
  }

  static constexpr char32_t kReplacement = 0xFFFD;
  std::string_view text_;
};

}  // namespace

Result<std::optional<std::vector<std::string>>> parse_json_array(std::string_view text) {
  using Strings = std::optional<std::vector<std::string>>;
  text = trim_left(text);
  std::vector<std::string> strings;
  bool others = false;
  if (!JsonScanner(text).top_array(strings, others)) return Strings();
  if (others)
    return invalid("when using JSON array syntax, arrays must be comprised of strings only");
  return Strings(std::move(strings));
}

}  // namespace strata::dockerfile::detail
