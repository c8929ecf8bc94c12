#pragma once

#include <string_view>

#include "base/result.h"

namespace strata {

/// Go's path.Match: whether all of `name` matches `pattern`. `*` and `?` match no '/', `[a-z]` and
/// `[^a]` match one character (also '/'), a backslash takes the next character as it is.
/// InvalidArgument "syntax error in pattern" for a bad pattern, whatever the name. Not recursive;
/// time is at most the product of the two lengths.
Result<bool> match_pattern(std::string_view pattern, std::string_view name);

}  // namespace strata
