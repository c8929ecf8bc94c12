#pragma once

#include <string_view>

#include "cli/command.h"
#include "engine/image_removal.h"

namespace strata::cli {

/// Prints `warning` and docker's question behind it, on the next line or with a blank between, and
/// reads one line from stdin. Only "y" is a yes.
bool confirm(Call& call, std::string_view warning, char separator = '\n');

/// What was removed, under docker's headings, and an empty line; nothing if there is nothing.
void print_pruned_images(Call& call, const PrunedImages& pruned);
void print_pruned(Call& call, std::string_view title, const Pruned& pruned);

}  // namespace strata::cli
