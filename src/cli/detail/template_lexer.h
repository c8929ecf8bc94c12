#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

enum class TokenKind : std::uint8_t {
  Error,  // text is the message; the last token
  End,
  Text,
  LeftDelim,
  RightDelim,
  Space,
  Assign,   // =
  Declare,  // :=
  Pipe,
  LeftParen,
  RightParen,
  Char,  // any other ASCII character: ','
  Dot,
  Nil,
  Bool,
  Number,
  CharConstant,
  String,
  RawString,
  Field,       // ".Name"
  Identifier,  // a function
  Variable,    // "$name" or "$"
  Keyword,     // if, else, end, ...
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::size_t pos = 0;  // byte offset in the template
  int line = 1;
  std::string text;

  bool is(TokenKind k) const { return kind == k; }
  bool is_keyword(std::string_view word) const {
    return kind == TokenKind::Keyword && text == word;
  }
};

/// A template as tokens, trim markers and comments taken out. Ends with End or Error.
std::vector<Token> lex_template(std::string_view text);

}  // namespace strata::cli
