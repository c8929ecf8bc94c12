#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/go_template.h"
#include "image/json.h"

namespace strata::cli {

enum class NodeKind : std::uint8_t {
  List,    // children: nodes in order
  Text,    // text
  Action,  // children: a pipe
  If,      // children: a pipe, a list, a list (else)
  With,    // the same
  Range,   // the same
  Break,
  Continue,
  Template,    // text: its name; children: a pipe or nothing
  Pipe,        // names: variables it sets; children: commands
  Command,     // children: operands, the first may be a function
  Identifier,  // text: a function's name
  Dot,
  Nil,
  Constant,  // value; text: as it was written
  Field,     // names: .A.B
  Variable,  // names: $x, then fields of it
  Chain,     // children: one node; names: fields of it
  End,       // of a list, while parsing
  Else,      // of a list, while parsing
};

struct Node {
  NodeKind kind = NodeKind::List;
  std::size_t pos = 0;  // byte offset in the template, as Go's errors give it
  std::string text;
  std::vector<std::string> names;
  std::vector<Node> children;
  Json value;
  bool assign = false;  // a pipe that sets existing variables: $x = ...

  /// As Go prints it in errors: `index .A 5`.
  std::string str() const;
};

/// A parsed template. Immutable.
struct GoTemplate::Tree {
  std::string text;
  Node root;
  std::map<std::string, Node, std::less<>> definitions;  // {{define "name"}}
};

/// Deepest nesting of control structures and parentheses.
inline constexpr int kMaxTemplateDepth = 64;

/// Whether templates have a function of that name.
bool is_template_function(std::string_view name);

Result<GoTemplate::Tree> parse_template(std::string_view text);

}  // namespace strata::cli
