#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace strata::dockerfile {

/// Reads a duration as Go writes it: "1h5m", "500ms", "1.5s", "-2us", "0"; units ns, us (also with
/// the micro sign), ms, s, m, h. Gives nanoseconds. InvalidArgument, Go's texts: `time: invalid
/// duration "x"`, `time: missing unit in duration "1"`, `time: unknown unit "d" in duration "1d"`.
Result<std::int64_t> parse_duration(std::string_view text);

}  // namespace strata::dockerfile
