#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"

namespace strata::cli {

/// Adds docker's `--filter NAME=VALUE`, repeatable. What lacks the `=` is a mistake in the command
/// line; names are in lower case, blanks around name and value are dropped.
Flag& add_filter(FlagSet& flags, std::vector<std::string>& filters, char shorthand,
                 std::string_view usage);

}  // namespace strata::cli
