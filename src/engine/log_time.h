#pragma once

#include <string_view>

#include "base/clock.h"

namespace strata {

/// --since and --until of logs: RFC 3339 ("2026-11-24T20:15:42Z", also without zone, which means
/// UTC, or as a date alone), seconds since 1970 with a fraction, or a duration before `now` as Go
/// writes it ("1h30m"). InvalidArgument otherwise.
Result<Time> parse_log_time(std::string_view text, Time now);

}  // namespace strata
