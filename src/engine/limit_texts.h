#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace strata {

// What `create` and `update` read of limits; errors are InvalidArgument, in docker's words.

/// "512m"; "" and "0" are no limit, "-1" is what it says.
Result<std::optional<std::int64_t>> parse_limit_size(const std::string& text);

/// --cpus, "1.5", in billionths; "" is 0. Of the numbers that Go takes for rational, those with an
/// exponent or a slash are refused.
Result<std::int64_t> parse_cpus(const std::string& text);

/// 0 is none.
inline std::optional<std::int64_t> unless_zero(std::int64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

}  // namespace strata
