#pragma once

#include <functional>
#include <string>

#include "cli/command.h"

namespace strata::cli {

/// Does the same to all containers that are named, and prints each name when it is done. An error
/// is printed as docker prints what its daemon refuses, and does not keep the others. 1 if there
/// was one. The names that failed are added to `failed`, if that is given.
int for_each_container(Call& call, const std::function<Result<void>(const std::string&)>& act,
                       std::vector<std::string>* failed = nullptr);

}  // namespace strata::cli
