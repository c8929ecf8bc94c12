#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace strata::build {

/// The value of SOURCE_DATE_EPOCH, seconds since 1970 (reproducible-builds.org); nothing for "".
/// InvalidArgument: `SOURCE_DATE_EPOCH "x": not a number of seconds since 1970`.
Result<std::optional<Time>> parse_epoch(std::string_view text);

/// Gives everything below the directory fd `root` that was changed after `epoch` the time `epoch`;
/// what is older keeps its time.
Result<void> clamp_times(int root, const Time& epoch);

}  // namespace strata::build
