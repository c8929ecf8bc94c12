#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace strata {

/// Calls `act` for each index below `count` on at most `threads` threads, which take the next index
/// each. After the first error no further index is taken and `on_error` is called, once, on the
/// thread that failed: it may end what the others wait for. Returns that error when all have ended.
Result<void> for_each_index(std::size_t count, std::size_t threads,
                            const std::function<Result<void>(std::size_t index)>& act,
                            const std::function<void()>& on_error = {});

/// How many processors this machine has; at least 1.
unsigned processors();

}  // namespace strata
