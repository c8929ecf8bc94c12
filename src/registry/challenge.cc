#include "registry/challenge.h"

namespace strata::registry {
namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Walks over a header.
class HeaderCursor {
 public:
  explicit HeaderCursor(std::string_view text) : text_(text) {}

  void skip(std::string_view characters) {
    auto end = text_.find_first_not_of(characters, at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  std::string token() {
    std::string out;
    for (; at_ < text_.size() && is_token_char(text_[at_]); at_++) out += lower(text_[at_]);
    return out;
  }
  std::string value() {
    std::string out;
    if (!take('"')) {
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ' ') out += text_[at_++];
      return out;
    }
    for (; at_ < text_.size() && text_[at_] != '"'; at_++) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) at_++;
      out += text_[at_];
    }
    take('"');
    return out;
  }
  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }
  void go_back(std::size_t position) { at_ = position; }

 private:
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// The parameters of the challenge whose scheme has been read. A word without "=" begins the next.
void read_parameters(HeaderCursor& cursor, Challenge& challenge) {
  for (;;) {
    cursor.skip(" \t,");
    auto begin = cursor.position();
    auto name = cursor.token();
    cursor.skip(" \t");
    if (name.empty() || !cursor.take('=')) {
      cursor.go_back(begin);
      return;
    }
    cursor.skip(" \t");
    challenge.parameters.insert_or_assign(name, cursor.value());
  }
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  HeaderCursor cursor(header);
  for (;;) {
    cursor.skip(" \t,");
    Challenge challenge;
    challenge.scheme = cursor.token();
    if (challenge.scheme.empty()) return challenges;  // the end, or nothing that can be read
    read_parameters(cursor, challenge);
    challenges.push_back(std::move(challenge));
  }
}

}  // namespace strata::registry
