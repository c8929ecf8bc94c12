#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace strata::cli {

/// The man page of one command (strata-image-ls.1), in man(7) macros: from the command table alone.
std::string man_page(const Program& program, const Command& command);
/// strata(1): the global options and the list of commands.
std::string program_man_page(const Program& program);
/// Writes strata.1 and one page per visible command into the directory `dir`, which is made.
Result<void> write_man_pages(const Program& program, const std::string& dir);

/// A completion script: commands, flags, and (by running the program quietly) the names of images
/// and containers. `shell` is bash, zsh or fish; else InvalidArgument.
Result<std::string> completion_script(const Program& program, std::string_view shell);

/// The hidden command `__docs man DIR | completion SHELL`, for scripts/install.
extern const Command kDocsCommand;

}  // namespace strata::cli
