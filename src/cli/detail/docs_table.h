#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace strata::cli {

/// What stands for the first operand of a command, as far as its usage tells.
enum class OperandKind : std::uint8_t { Other, Image, Container, Object, Directory, File };

struct OperandHint {
  OperandKind kind = OperandKind::Other;
  bool repeats = false;  // the following ones are of the same kind
};
OperandHint operand_hint(const Command& command);

struct FlagRow {
  std::string name;     // without dashes
  char shorthand = 0;   // 0: none
  bool value = false;   // takes one
  std::string summary;  // one line
};
/// The visible flags of a command, and --help.
std::vector<FlagRow> flag_rows(const Command& command);
/// The global ones, and --help.
std::vector<FlagRow> global_flag_rows();

/// The visible rows of the command table, sorted by path.
std::vector<const Command*> visible_commands(const Program& program);

/// The name of a command and its other ones: "ls", "list".
std::vector<std::string> words_of(const Command& command);

std::string bash_completion(const Program& program);
std::string zsh_completion(const Program& program);
std::string fish_completion(const Program& program);

}  // namespace strata::cli
