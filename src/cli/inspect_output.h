#pragma once

#include <functional>
#include <string>

#include "cli/command.h"
#include "image/json.h"

namespace strata::cli {

/// Prints what `find` gives for each operand of the call, as docker's inspect commands do: an
/// indented JSON array, or with `format` one line each. Names that are not found (NotFound) are
/// reported at the end as "Error: <message>" and give status 1; what was found is printed all the
/// same.
Result<int> print_inspection(Call& call, const std::string& format,
                             const std::function<Result<Json>(const std::string& name)>& find);

}  // namespace strata::cli
