#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// A point in time, nanoseconds since 1970-01-01T00:00:00Z. Go's zero time (year 1) is kZeroTime.
struct Time {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;  // 0 to 999,999,999

  auto operator<=>(const Time&) const = default;

  static Time now();
  /// As Go's RFC3339Nano in UTC: trailing zeros of the fraction are cut, none if zero.
  /// "2026-11-24T20:15:42.556451732Z"
  std::string str() const;
  /// Any RFC 3339 time, with zone offset, up to 9 digits of fraction. InvalidArgument otherwise.
  static Result<Time> parse(std::string_view text);
  bool is_zero() const;
};

/// 0001-01-01T00:00:00Z: what Go writes for a time that was never set.
inline constexpr Time kZeroTime{-62135596800, 0};
inline bool Time::is_zero() const { return *this == kZeroTime; }

}  // namespace strata
