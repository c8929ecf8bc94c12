#include "cli/detail/template_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/go_text.h"
#include "image/go_quote.h"

namespace strata::cli {
namespace {

constexpr std::string_view kLeft = "{{";
constexpr std::string_view kRight = "}}";
constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kCommentStart = "/*";
constexpr std::string_view kCommentEnd = "*/";
constexpr std::array<std::string_view, 10> kKeywords = {
    "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"};

bool is_space(char c) { return kSpaces.find(c) != std::string_view::npos; }

// Letters beyond ASCII are taken on trust: a name with one is looked up like any other.
bool is_word(const Rune& r) {
  if (r.size == 0 || !r.valid) return false;
  const char32_t c = r.value;
  if (c >= 0x80) return is_printable(c);
  return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z');
}

// As Go's %#U: U+0023 '#'.
std::string describe(const Rune& r) {
  std::string out = fmt::format("U+{:04X}", static_cast<unsigned>(r.value));
  if (!is_printable(r.value)) return out;
  out += " '";
  append_rune(out, r.value);
  return out + "'";
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (!failed_ && lex_text()) lex_action();
    if (!failed_) emit(TokenKind::End);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return text_.substr(pos_); }
  bool at_end() const { return pos_ == text_.size(); }
  char here() const { return at_end() ? '\0' : text_[pos_]; }
  Rune rune() const { return decode_rune(rest()); }
  bool at(std::string_view s) const { return rest().substr(0, s.size()) == s; }
  bool at_right_trim() const {
    return rest().size() >= 4 && is_space(rest()[0]) && rest()[1] == '-' &&
           rest().substr(2, 2) == kRight;
  }
  bool at_close() const { return at(kRight) || at_right_trim(); }

  void skip() {  // what was read is no token
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(start_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(pos_), '\n'));
    start_ = pos_;
  }
  void emit(TokenKind kind) { emit(kind, std::string(text_.substr(start_, pos_ - start_))); }
  void emit(TokenKind kind, std::string text) {
    tokens_.push_back({kind, start_, line_, std::move(text)});
    skip();
  }
  void fail(std::string message) {
    tokens_.push_back({TokenKind::Error, start_, line_, std::move(message)});
    failed_ = true;
  }
  void take_any(std::string_view set) {
    while (!at_end() && set.find(here()) != std::string_view::npos) pos_++;
  }
  void take_word() {
    for (Rune r = rune(); is_word(r); r = rune()) pos_ += r.size;
  }

  bool lex_text();
  void lex_action();
  void lex_inside();
  void lex_comment();
  void lex_close();
  void lex_space();
  void lex_quoted(char quote, TokenKind kind, std::string_view what);
  void lex_raw();
  void lex_number();
  void lex_name(TokenKind kind);
  void lex_word();
  bool ends_word() const;

  std::string_view text_;
  std::size_t start_ = 0;  // of the token being read
  std::size_t pos_ = 0;
  int line_ = 1;
  int parens_ = 0;
  bool in_action_ = false;
  bool failed_ = false;
  std::vector<Token> tokens_;
};

// Text up to an action, which is begun; false at the end.
bool Lexer::lex_text() {
  const std::size_t found = text_.find(kLeft, pos_);
  const bool more = found != std::string_view::npos;
  const std::size_t open = more ? found : text_.size();
  const std::string_view after = more ? text_.substr(open + kLeft.size()) : std::string_view();
  const bool trim = after.size() >= 2 && after[0] == '-' && is_space(after[1]);
  std::string_view text = text_.substr(pos_, open - pos_);
  if (trim) text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
  pos_ = open;
  if (text.empty()) {
    skip();
  } else {
    emit(TokenKind::Text, std::string(text));
  }
  if (!more) return false;
  pos_ += kLeft.size();
  const std::size_t marker = trim ? 2 : 0;
  if (text_.substr(pos_ + marker, kCommentStart.size()) == kCommentStart) {
    pos_ += marker;
    lex_comment();
    return true;
  }
  emit(TokenKind::LeftDelim);
  pos_ += marker;
  skip();
  parens_ = 0;
  in_action_ = true;
  return true;
}

void Lexer::lex_comment() {
  const std::size_t end = text_.find(kCommentEnd, pos_ + kCommentStart.size());
  if (end == std::string_view::npos) return fail("unclosed comment");
  pos_ = end + kCommentEnd.size();
  if (!at_close()) return fail("comment ends before closing delimiter");
  lex_close();
}

// "}}" or " -}}", which takes the blanks after it along.
void Lexer::lex_close() {
  const bool trim = at_right_trim();
  if (trim) {
    pos_ += 2;
    if (in_action_) skip();
  }
  pos_ += kRight.size();
  if (in_action_) emit(TokenKind::RightDelim);
  if (trim) take_any(kSpaces);
  skip();
  in_action_ = false;
}

void Lexer::lex_action() {
  while (in_action_ && !failed_) lex_inside();
}

void Lexer::lex_inside() {
  if (at_close()) {
    if (parens_ != 0) return fail("unclosed left paren");
    return lex_close();
  }
  if (at_end()) return fail("unclosed action");
  const char c = here();
  const Rune r = rune();
  if (is_space(c)) return lex_space();
  if (c == '"') return lex_quoted(c, TokenKind::String, "quoted string");
  if (c == '\'') return lex_quoted(c, TokenKind::CharConstant, "character constant");
  if (c == '`') return lex_raw();
  if (c == '$') return lex_name(TokenKind::Variable);
  const bool number_follows = pos_ + 1 < text_.size() && is_digit(text_[pos_ + 1]);
  if (c == '.' && !number_follows) return lex_name(TokenKind::Field);
  if (c == '.' || c == '+' || c == '-' || is_digit(c)) return lex_number();
  if (is_word(r)) return lex_word();
  pos_ += r.size;
  switch (c) {
    case '=':
      return emit(TokenKind::Assign);
    case '|':
      return emit(TokenKind::Pipe);
    case ':':
      if (here() != '=') return fail("expected :=");
      pos_++;
      return emit(TokenKind::Declare);
    case '(':
      parens_++;
      return emit(TokenKind::LeftParen);
    case ')':
      emit(TokenKind::RightParen);
      if (parens_-- == 0) fail("unexpected right paren " + describe(r));
      return;
    default:
      break;
  }
  if (r.value < 0x80 && is_printable(r.value)) return emit(TokenKind::Char);
  fail("unrecognized character in action: " + describe(r));
}

void Lexer::lex_space() {
  while (!at_end() && is_space(here()) && !at_right_trim()) pos_++;
  emit(TokenKind::Space);
}

void Lexer::lex_quoted(char quote, TokenKind kind, std::string_view what) {
  for (pos_++; !at_end() && here() != '\n'; pos_++) {
    if (here() == quote) {
      pos_++;
      return emit(kind);
    }
    if (here() == '\\' && pos_ + 1 < text_.size() && text_[pos_ + 1] != '\n') pos_++;
  }
  fail(fmt::format("unterminated {}", what));
}

void Lexer::lex_raw() {
  const std::size_t end = text_.find('`', pos_ + 1);
  if (end == std::string_view::npos) return fail("unterminated raw quoted string");
  pos_ = end + 1;
  emit(TokenKind::RawString);
}

void Lexer::lex_number() {
  if (here() == '+' || here() == '-') pos_++;
  std::string_view digits = "0123456789_";
  std::string_view exponent = "eE";
  if (here() == '0' && pos_ + 1 < text_.size()) {
    const char base = static_cast<char>(text_[pos_ + 1] | 0x20);
    if (base == 'x') digits = "0123456789abcdefABCDEF_", exponent = "pP";
    if (base == 'o') digits = "01234567_", exponent = "";
    if (base == 'b') digits = "01_", exponent = "";
    if (base == 'x' || base == 'o' || base == 'b') pos_ += 2;
  }
  take_any(digits);
  if (here() == '.') {
    pos_++;
    take_any(digits);
  }
  if (!at_end() && exponent.find(here()) != std::string_view::npos) {
    pos_++;
    if (here() == '+' || here() == '-') pos_++;
    take_any("0123456789_");
  }
  if (const Rune r = rune(); is_word(r)) {
    pos_ += r.size;
    return fail("bad number syntax: " + go_quote(text_.substr(start_, pos_ - start_)));
  }
  emit(TokenKind::Number);
}

bool Lexer::ends_word() const {
  return at_end() || is_space(here()) ||
         std::string_view(".,|:)(}").find(here()) != std::string_view::npos;
}

// "$name" or ".name"; alone they are the data and the dot.
void Lexer::lex_name(TokenKind kind) {
  pos_++;
  if (ends_word()) return emit(kind == TokenKind::Field ? TokenKind::Dot : kind);
  take_word();
  if (!ends_word()) return fail("bad character " + describe(rune()));
  emit(kind);
}

void Lexer::lex_word() {
  take_word();
  if (!ends_word()) return fail("bad character " + describe(rune()));
  const std::string_view word = text_.substr(start_, pos_ - start_);
  if (word == "true" || word == "false") return emit(TokenKind::Bool);
  if (word == "nil") return emit(TokenKind::Nil);
  const bool keyword = std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
  emit(keyword ? TokenKind::Keyword : TokenKind::Identifier);
}

}  // namespace

std::vector<Token> lex_template(std::string_view text) { return Lexer(text).run(); }

}  // namespace strata::cli
