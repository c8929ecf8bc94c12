#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace strata::cli {

/// Help as `docker COMMAND --help` of 20.10 lays it out, beginning with an empty line. `columns` is
/// the width of the terminal (docker takes 80 if there is none).
std::string command_help(const Program& program, const Command& command, int columns = 80);
/// `strata --help`.
std::string program_help(const Program& program, int columns = 80);

/// "strata build [OPTIONS] PATH | URL | -".
std::string usage_line(const Program& program, const Command& command);

/// The aligned and wrapped lines below "Options:". Hidden flags are left out.
std::string flag_lines(const FlagSet& flags, int columns);

/// The flags of Globals, bound to `globals`.
void add_global_flags(FlagSet& flags, Globals& globals);

/// Refuses, mostly in docker's words, what names another daemon than the one that docker's client
/// asks by default: a user who means another machine must not get this one's store.
Result<void> check_globals(const Globals& globals);

/// Visible commands directly below `group` ("" for the top), sorted by path.
std::vector<const Command*> commands_below(const Program& program, std::string_view group);

/// All but the last word of a path: "image" of "image ls", "" of "images".
std::string_view group_of(std::string_view path);
/// The last word of a path: "ls" of "image ls".
std::string_view last_word(std::string_view path);

/// Columns of the terminal at stdin, as docker asks; 80 if it is none.
int terminal_columns();

}  // namespace strata::cli
