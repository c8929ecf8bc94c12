#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "cli/detail/template_lexer.h"
#include "cli/detail/template_tree.h"
#include "cli/flags.h"
#include "cli/go_text.h"
#include "image/go_quote.h"

namespace strata::cli {
namespace {

// As Go's item.String(): what a message calls a token.
std::string describe(const Token& token) {
  if (token.is(TokenKind::End)) return "EOF";
  if (token.is(TokenKind::Error)) return token.text;
  if (token.is(TokenKind::Keyword)) return fmt::format("<{}>", token.text);
  if (token.text.size() > 10) return go_quote(token.text.substr(0, 10)) + "...";
  return go_quote(token.text);
}

std::vector<std::string> split_fields(std::string_view chain) {  // ".A.B" or "$x.A"
  std::vector<std::string> names;
  while (!chain.empty()) {
    if (chain[0] == '.') chain.remove_prefix(1);
    const std::size_t dot = chain.find('.');
    names.emplace_back(chain.substr(0, dot));
    chain.remove_prefix(dot == std::string_view::npos ? chain.size() : dot);
  }
  return names;
}

// Reads `count` digits of `base` off `text`; nullopt if they are not there.
std::optional<char32_t> take_digits(std::string_view& text, std::size_t count, int base) {
  if (text.size() < count) return std::nullopt;
  const std::string digits(text.substr(0, count));
  char* end = nullptr;
  if (std::isxdigit(static_cast<unsigned char>(digits[0])) == 0) return std::nullopt;
  const unsigned long n = std::strtoul(digits.c_str(), &end, base);
  if (end != digits.c_str() + count) return std::nullopt;
  text.remove_prefix(count);
  return static_cast<char32_t>(n);
}

// One escape of an interpreted Go string or character; `text` stands behind the backslash.
bool take_escape(std::string_view& text, std::string& out, char quote) {
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
  if (text.empty()) return false;
  const char c = text[0];
  const std::size_t named = kLetters.find(c);
  if (named != std::string_view::npos || c == quote) {
    out += c == quote ? quote : kMeanings[named];
    text.remove_prefix(1);
    return true;
  }
  if (c >= '0' && c <= '7') {
    const auto byte = take_digits(text, 3, 8);
    if (!byte || *byte > 0xFF) return false;
    out += static_cast<char>(*byte);
    return true;
  }
  text.remove_prefix(1);
  if (c != 'x' && c != 'u' && c != 'U') return false;
  const auto rune = take_digits(text, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
  if (!rune || *rune > 0x10FFFF || (*rune >= 0xD800 && *rune <= 0xDFFF && c != 'x')) return false;
  if (c == 'x') {
    out += static_cast<char>(*rune);
  } else {
    append_rune(out, *rune);
  }
  return true;
}

std::optional<std::string> unquote(std::string_view quoted) {
  const char quote = quoted[0];
  std::string_view text = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') {
    std::string raw(text);
    raw.erase(std::remove(raw.begin(), raw.end(), '\r'), raw.end());
    return raw;
  }
  std::string out;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (!take_escape(text, out, quote)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<Json> parse_number(const std::string& text) {
  if (text[0] == '\'') {
    const auto c = unquote(text);
    if (!c || c->empty() || rune_count(*c) != 1) return std::nullopt;
    const Rune r = decode_rune(*c);
    const auto byte = static_cast<unsigned char>((*c)[0]);
    return Json(static_cast<std::int64_t>(r.valid ? r.value : byte));
  }
  const bool hex = text.find_first_of("xX") != std::string::npos;
  if (text.find_first_of(hex ? ".pP" : ".eE") == std::string::npos) {
    const auto n = parse_go_int(text);
    return n ? std::optional(Json(*n)) : std::nullopt;
  }
  std::string plain = text;
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  char* end = nullptr;
  const double d = std::strtod(plain.c_str(), &end);
  return *end == '\0' && end != plain.c_str() ? std::optional(Json(d)) : std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(lex_template(text)) { tree_.text = text; }

  Result<GoTemplate::Tree> run();

 private:
  const Token& peek() const { return tokens_[next_]; }
  const Token& next() {
    const Token& token = tokens_[next_];
    if (next_ + 1 < tokens_.size()) next_++;  // End and Error are met again and again
    return token;
  }
  const Token& peek_word() {
    while (peek().is(TokenKind::Space)) next_++;
    return peek();
  }
  const Token& next_word() {
    peek_word();
    return next();
  }
  static Node node(NodeKind kind, std::size_t pos) {
    Node n;
    n.kind = kind;
    n.pos = pos;
    return n;
  }

  Error error(std::string_view message) const {
    return {ErrorCode::InvalidArgument,
            fmt::format("template: :{}: {}", tokens_[next_ > 0 ? next_ - 1 : 0].line, message)};
  }
  Error unexpected(const Token& token, std::string_view where) const;
  Result<void> expect_close(std::string_view where);

  Result<Node> text_or_action();
  Result<Node> action();
  Result<Node> keyword(const Token& word);
  Result<Node> list(std::size_t pos, NodeKind& ended_by);
  Result<Node> control(NodeKind kind, const Token& word);
  Result<Node> else_list(NodeKind kind, std::size_t pos);
  Result<Node> loop_exit(NodeKind kind, const Token& word);
  Result<Node> definition();
  Result<Node> template_call();
  Result<Node> block(const Token& word);
  Result<std::string> template_name(std::string_view where);
  Result<Node> pipeline(std::string_view where, TokenKind end);
  Result<void> declarations(Node& pipe, std::string_view where);
  Result<void> check_pipeline(const Node& pipe, std::string_view where) const;
  Result<Node> command();
  Result<std::optional<Node>> operand();
  Result<std::optional<Node>> term();
  Result<Node> constant(const Token& token);

  /// Makes what was parsed the last child of `parent`.
  static Result<void> adopt(Node& parent, Result<Node> child) {
    if (!child) return std::move(child).error();
    parent.children.push_back(*std::move(child));
    return {};
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  GoTemplate::Tree tree_;
  std::vector<std::string> variables_ = {"$"};
  int action_line_ = 0;
  int ranges_ = 0;  // loops that are open
  int depth_ = 0;
};

Error Parser::unexpected(const Token& token, std::string_view where) const {
  if (!token.is(TokenKind::Error)) {
    return error(fmt::format("unexpected {} in {}", describe(token), where));
  }
  std::string extra;
  if (action_line_ != 0 && action_line_ != token.line) {
    const bool names_action = token.text.size() > 7 && token.text.ends_with(" action");
    extra = fmt::format("{} started at :{}", names_action ? "" : " in action", action_line_);
  }
  return {ErrorCode::InvalidArgument,
          fmt::format("template: :{}: {}{}", token.line, token.text, extra)};
}

Result<void> Parser::expect_close(std::string_view where) {
  const Token& token = next_word();
  if (!token.is(TokenKind::RightDelim)) return unexpected(token, where);
  return {};
}

Result<GoTemplate::Tree> Parser::run() {
  tree_.root = node(NodeKind::List, 0);
  while (!peek().is(TokenKind::End)) {
    Node n = TRY(text_or_action());
    if (n.kind == NodeKind::End || n.kind == NodeKind::Else) {
      return error(fmt::format("unexpected {}", n.str()));
    }
    tree_.root.children.push_back(std::move(n));
  }
  return std::move(tree_);
}

Result<Node> Parser::text_or_action() {
  const Token& token = next_word();
  if (token.is(TokenKind::Text)) {
    Node text = node(NodeKind::Text, token.pos);
    text.text = token.text;
    return text;
  }
  if (!token.is(TokenKind::LeftDelim)) return unexpected(token, "input");
  action_line_ = token.line;
  auto result = action();
  action_line_ = 0;
  return result;
}

Result<Node> Parser::action() {
  if (peek_word().is(TokenKind::Keyword)) return keyword(next());
  Node n = node(NodeKind::Action, peek().pos);
  TRY(adopt(n, pipeline("command", TokenKind::RightDelim)));
  return n;
}

Result<Node> Parser::keyword(const Token& word) {
  if (word.text == "if") return control(NodeKind::If, word);
  if (word.text == "with") return control(NodeKind::With, word);
  if (word.text == "range") return control(NodeKind::Range, word);
  if (word.text == "break") return loop_exit(NodeKind::Break, word);
  if (word.text == "continue") return loop_exit(NodeKind::Continue, word);
  if (word.text == "template") return template_call();
  if (word.text == "block") return block(word);
  if (word.text == "define") return depth_ == 0 ? definition() : unexpected(word, "command");
  // "else if" leaves the "if" for control(); "end" and "else" end a list.
  if (word.text == "else" && peek_word().is_keyword("if")) return node(NodeKind::Else, word.pos);
  TRY(expect_close(word.text));
  return node(word.text == "end" ? NodeKind::End : NodeKind::Else, word.pos);
}

Result<Node> Parser::list(std::size_t pos, NodeKind& ended_by) {
  if (depth_ == kMaxTemplateDepth) return error("nested too deeply");
  depth_++;
  Node nodes = node(NodeKind::List, pos);
  while (!peek_word().is(TokenKind::End)) {
    Node n = TRY(text_or_action());
    if (n.kind == NodeKind::End || n.kind == NodeKind::Else) {
      depth_--;
      ended_by = n.kind;
      return nodes;
    }
    nodes.children.push_back(std::move(n));
  }
  return error("unexpected EOF");
}

Result<Node> Parser::control(NodeKind kind, const Token& word) {
  const std::size_t visible = variables_.size();
  const std::string where = word.text;
  Node n = node(kind, word.pos);
  TRY(adopt(n, pipeline(where, TokenKind::RightDelim)));
  NodeKind ended_by = NodeKind::End;
  ranges_ += kind == NodeKind::Range ? 1 : 0;
  TRY(adopt(n, list(peek().pos, ended_by)));
  ranges_ -= kind == NodeKind::Range ? 1 : 0;
  if (ended_by == NodeKind::Else) {
    TRY(adopt(n, else_list(kind, peek().pos)));
  } else {
    n.children.push_back(node(NodeKind::List, peek().pos));
  }
  variables_.resize(visible);
  return n;
}

Result<Node> Parser::else_list(NodeKind kind, std::size_t pos) {
  if (kind == NodeKind::If && peek_word().is_keyword("if")) {
    if (depth_ == kMaxTemplateDepth) return error("nested too deeply");
    depth_++;
    Node nodes = node(NodeKind::List, pos);
    TRY(adopt(nodes, control(NodeKind::If, next())));
    depth_--;
    return nodes;
  }
  NodeKind ended_by = NodeKind::End;
  Node nodes = TRY(list(pos, ended_by));
  if (ended_by != NodeKind::End) return error("expected end; found {{else}}");
  return nodes;
}

Result<Node> Parser::loop_exit(NodeKind kind, const Token& word) {
  const std::string name = "{{" + word.text + "}}";
  if (!peek_word().is(TokenKind::RightDelim)) return unexpected(next(), name);
  next();
  if (ranges_ == 0) return error(name + " outside {{range}}");
  return node(kind, word.pos);
}

Result<std::string> Parser::template_name(std::string_view where) {
  const Token& token = next_word();
  if (!token.is(TokenKind::String) && !token.is(TokenKind::RawString)) {
    return unexpected(token, where);
  }
  auto name = unquote(token.text);
  if (!name) return error("invalid syntax");
  return *std::move(name);
}

// {{define "name"}}...{{end}} leaves nothing where it stands.
Result<Node> Parser::definition() {
  const std::size_t pos = peek().pos;
  const std::string name = TRY(template_name("define clause"));
  TRY(expect_close("define clause"));
  auto outer = std::exchange(variables_, {"$"});
  NodeKind ended_by = NodeKind::End;
  Node body = TRY(list(pos, ended_by));
  if (ended_by != NodeKind::End) return error("unexpected {{else}} in define clause");
  variables_ = std::move(outer);
  tree_.definitions[name] = std::move(body);
  return node(NodeKind::List, pos);
}

Result<Node> Parser::template_call() {
  Node n = node(NodeKind::Template, peek_word().pos);
  n.text = TRY(template_name("template clause"));
  if (peek_word().is(TokenKind::RightDelim)) {
    next();
  } else {
    TRY(adopt(n, pipeline("template clause", TokenKind::RightDelim)));
  }
  return n;
}

Result<Node> Parser::block(const Token& word) {
  Node n = node(NodeKind::Template, word.pos);
  n.text = TRY(template_name("block clause"));
  TRY(adopt(n, pipeline("block clause", TokenKind::RightDelim)));
  auto outer = std::exchange(variables_, {"$"});
  const int outer_ranges = std::exchange(ranges_, 0);
  NodeKind ended_by = NodeKind::End;
  Node body = TRY(list(word.pos, ended_by));
  if (ended_by != NodeKind::End) return error("unexpected {{else}} in block clause");
  variables_ = std::move(outer);
  ranges_ = outer_ranges;
  tree_.definitions[n.text] = std::move(body);
  return n;
}

Result<Node> Parser::pipeline(std::string_view where, TokenKind end) {
  if (depth_ == kMaxTemplateDepth) return error("nested too deeply");
  depth_++;
  Node pipe = node(NodeKind::Pipe, peek_word().pos);
  TRY(declarations(pipe, where));
  while (!peek_word().is(end)) {
    switch (peek().kind) {
      case TokenKind::Bool:
      case TokenKind::CharConstant:
      case TokenKind::Dot:
      case TokenKind::Field:
      case TokenKind::Identifier:
      case TokenKind::Number:
      case TokenKind::Nil:
      case TokenKind::RawString:
      case TokenKind::String:
      case TokenKind::Variable:
      case TokenKind::LeftParen:
        TRY(adopt(pipe, command()));
        break;
      default:
        return unexpected(next(), where);
    }
  }
  next();
  TRY(check_pipeline(pipe, where));
  depth_--;
  return pipe;
}

// `$x :=`, `$x =`, and in a range `$i, $x :=` or `=`.
Result<void> Parser::declarations(Node& pipe, std::string_view where) {
  while (peek_word().is(TokenKind::Variable)) {
    const std::size_t back = next_;
    const std::string name = next().text;
    const Token& after = peek_word();
    if (after.is(TokenKind::Assign) || after.is(TokenKind::Declare)) {
      pipe.assign = next().is(TokenKind::Assign);
      pipe.names.push_back(name);
      variables_.push_back(name);
      return {};
    }
    if (!after.is(TokenKind::Char) || after.text != ",") {
      next_ = back;
      return {};
    }
    next();
    pipe.names.push_back(name);
    variables_.push_back(name);
    if (where != "range" || pipe.names.size() > 1) {
      return error(fmt::format("too many declarations in {}", where));
    }
    if (!peek_word().is(TokenKind::Variable)) return error("range can only initialize variables");
  }
  return {};
}

Result<void> Parser::check_pipeline(const Node& pipe, std::string_view where) const {
  if (pipe.children.empty()) return error(fmt::format("missing value for {}", where));
  for (std::size_t i = 1; i < pipe.children.size(); i++) {
    const NodeKind first = pipe.children[i].children[0].kind;
    if (first == NodeKind::Constant || first == NodeKind::Dot || first == NodeKind::Nil) {
      return error(fmt::format("non executable command in pipeline stage {}", i + 1));
    }
  }
  return {};
}

Result<Node> Parser::command() {
  Node n = node(NodeKind::Command, peek_word().pos);
  while (true) {
    peek_word();
    auto argument = TRY(operand());
    if (argument) n.children.push_back(*std::move(argument));
    const Token& token = peek();
    if (token.is(TokenKind::Space)) {
      next();
      continue;
    }
    if (token.is(TokenKind::RightDelim) || token.is(TokenKind::RightParen)) break;
    if (!next().is(TokenKind::Pipe)) return unexpected(token, "operand");
    break;
  }
  if (n.children.empty()) return error("empty command");
  return n;
}

// A term with the fields that hang on it.
Result<std::optional<Node>> Parser::operand() {
  auto found = TRY(term());
  if (!found || !peek().is(TokenKind::Field)) return found;
  Node chain = node(NodeKind::Chain, peek().pos);
  while (peek().is(TokenKind::Field)) chain.names.push_back(next().text.substr(1));
  switch (found->kind) {
    case NodeKind::Field:
    case NodeKind::Variable:
      found->pos = chain.pos;
      found->names.insert(found->names.end(), chain.names.begin(), chain.names.end());
      return found;
    case NodeKind::Constant:
    case NodeKind::Nil:
    case NodeKind::Dot:
      return error(fmt::format("unexpected . after term {}", go_quote(found->str())));
    default:
      chain.children.push_back(*std::move(found));
      return std::optional(std::move(chain));
  }
}

Result<std::optional<Node>> Parser::term() {
  const Token& token = peek_word();
  Node n = node(NodeKind::Dot, token.pos);
  switch (token.kind) {
    case TokenKind::Identifier:
      next();
      if (!is_template_function(token.text)) {
        return error(fmt::format("function {} not defined", go_quote(token.text)));
      }
      n.kind = NodeKind::Identifier;
      n.text = token.text;
      return std::optional(std::move(n));
    case TokenKind::Nil:
      n.kind = NodeKind::Nil;
      [[fallthrough]];
    case TokenKind::Dot:
      next();
      return std::optional(std::move(n));
    case TokenKind::Variable:
      next();
      if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
        return error(fmt::format("undefined variable {}", go_quote(token.text)));
      }
      n.kind = NodeKind::Variable;
      n.names = {token.text};
      return std::optional(std::move(n));
    case TokenKind::Field:
      next();
      n.kind = NodeKind::Field;
      n.names = split_fields(token.text);
      return std::optional(std::move(n));
    case TokenKind::LeftParen:
      next();
      n = TRY(pipeline("parenthesized pipeline", TokenKind::RightParen));
      return std::optional(std::move(n));
    case TokenKind::Bool:
    case TokenKind::Number:
    case TokenKind::CharConstant:
    case TokenKind::String:
    case TokenKind::RawString:
      next();
      n = TRY(constant(token));
      return std::optional(std::move(n));
    default:
      return std::optional<Node>();
  }
}

Result<Node> Parser::constant(const Token& token) {
  Node n = node(NodeKind::Constant, token.pos);
  n.text = token.text;
  if (token.is(TokenKind::Bool)) {
    n.value = Json(token.text == "true");
  } else if (token.is(TokenKind::String) || token.is(TokenKind::RawString)) {
    auto text = unquote(token.text);
    if (!text) return error("invalid syntax");
    n.value = Json(*std::move(text));
  } else {
    auto number = parse_number(token.text);
    if (!number && token.is(TokenKind::CharConstant)) {
      return error("malformed character constant: " + token.text);
    }
    if (!number) return error("illegal number syntax: " + go_quote(token.text));
    n.value = *std::move(number);
  }
  return n;
}

}  // namespace

std::string Node::str() const {
  const auto join = [](const std::vector<Node>& nodes, std::string_view between) {
    std::string out;
    for (const Node& n : nodes) {
      if (!out.empty()) out += between;
      out += n.kind == NodeKind::Pipe ? "(" + n.str() + ")" : n.str();
    }
    return out;
  };
  const auto fields = [](const std::vector<std::string>& chain, std::size_t first) {
    std::string out;
    for (std::size_t i = first; i < chain.size(); i++) out += "." + chain[i];
    return out;
  };
  switch (kind) {
    case NodeKind::Text:
    case NodeKind::Identifier:
    case NodeKind::Constant:
      return text;
    case NodeKind::Dot:
      return ".";
    case NodeKind::Nil:
      return "nil";
    case NodeKind::Field:
      return fields(names, 0);
    case NodeKind::Variable:
      return names[0] + fields(names, 1);
    case NodeKind::Chain:
      return join(children, "") + fields(names, 0);
    case NodeKind::Command:
      return join(children, " ");
    case NodeKind::Pipe:
      return names.empty() ? join(children, " | ")
                           : fmt::format("{} {} {}", fmt::join(names, ", "),
                                         assign ? "=" : ":=", join(children, " | "));
    case NodeKind::Action:
      return "{{" + children[0].str() + "}}";
    case NodeKind::Else:
      return "{{else}}";
    case NodeKind::End:
      return "{{end}}";
    case NodeKind::Break:
      return "{{break}}";
    case NodeKind::Continue:
      return "{{continue}}";
    case NodeKind::Template:
      return fmt::format("{{{{template {}{}}}}}", go_quote(text),
                         children.empty() ? "" : " " + children[0].str());
    case NodeKind::If:
      return "{{if " + children[0].str() + "}}";
    case NodeKind::With:
      return "{{with " + children[0].str() + "}}";
    case NodeKind::Range:
      return "{{range " + children[0].str() + "}}";
    case NodeKind::List:
      return join(children, "");
  }
  return {};
}

Result<GoTemplate::Tree> parse_template(std::string_view text) { return Parser(text).run(); }

}  // namespace strata::cli
