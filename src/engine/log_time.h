#pragma once

#include <string_view>

#include "base/clock.h"

namespace strata {

/// --since and --until of logs: RFC 3339 ("2026-11-24T20:15:42Z", also without zone, which means
/// UTC, or as a date alone), seconds since 1970 with a fraction, or a duration before `now` as Go
/// writes it ("1h30m"). InvalidArgument otherwise.
Result<Time> parse_log_time(std::string_view text, Time now);

/// --unused-for: the time that long before `now`; a duration as Go writes it ("720h", "1h30m"), or
/// days ("30d"). InvalidArgument: `invalid duration "x": use hours or days, such as 720h or 30d`.
Result<Time> parse_age(std::string_view text, Time now);

}  // namespace strata
