#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dockerfile/detail/heredoc.h"
#include "dockerfile/detail/lines.h"
#include "dockerfile/instruction.h"
#include "dockerfile/parser.h"

namespace strata::dockerfile::detail {

/// A logical line cut into words by the rules of its instruction, and not checked any further.
/// docker reads a whole file to this point first; that decides which of two errors is reported.
struct Statement {
  LogicalLine line;
  std::string keyword;  // upper case; may be none that we know
  std::vector<std::string> flags;
  std::vector<std::string> args;  // ONBUILD: the keyword of the trigger, if there is one
  std::vector<KeyValue> pairs;    // instead of `args` for ENV and LABEL
  bool old_form = false;          // `pairs` is one: a name and a text
  bool json = false;              // `args` came from a JSON array (HEALTHCHECK: all but the first)
  std::vector<HeredocText> heredocs;
};

/// All statements of a text. InvalidArgument with docker's text, without prefix.
struct Statements {
  std::vector<Statement> list;  // never empty
  char escape = '\\';
  std::string check;  // the value of the directive
};
/// `failed`, if it is given, gets the lines that an error is about.
Result<Statements> read_statements(std::string_view text, LineSpan* failed = nullptr);

/// The instruction that a statement is. InvalidArgument with docker's text, without prefix.
Result<Instruction> make_instruction(const Statement& statement);

}  // namespace strata::dockerfile::detail
