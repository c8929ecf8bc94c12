#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// "2.048kB", "38.1MB", "0B": decimal units, `digits` significant ones, as docker/go-units writes
/// it (so 999,999 with 3 digits is "1e+03kB"). docker prints images with 3, most else with 4.
std::string human_size(std::int64_t bytes, int digits = 4);

/// "Less than a second", "About a minute", "2 hours", "3 weeks": the coarse age of docker's tables,
/// without "ago". Like a Go Duration it ends at 292 years, which is what an unset time gives.
std::string human_duration(std::int64_t seconds);

/// "512m", "1.5 GiB", "10KB": bytes, all units powers of 1024, case ignored. InvalidArgument
/// "invalid size: 'x'" as in docker, also if it does not fit.
Result<std::int64_t> parse_ram_size(std::string_view text);

/// Go's time.ParseDuration: "300ms", "-1.5h", "2h45m"; the result is in nanoseconds.
/// InvalidArgument with Go's texts: `time: missing unit in duration "5"`.
Result<std::int64_t> parse_go_duration(std::string_view text);

/// Go's Duration.String(): "1h5m0s", "1.5s", "0s".
std::string go_duration(std::int64_t nanoseconds);

}  // namespace strata
