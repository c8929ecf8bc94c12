#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::registry::detail {

// What the headers of a registry's answers say. Each text comes from anyone, and "" where the
// header is missing.

/// Content-Range of a "206 Partial Content": where it begins, "bytes 10-19/20".
std::optional<std::int64_t> range_start(std::string_view content_range);

/// The target of `Link: <...>; rel="next"`, or "".
std::string next_page(std::string_view link);

/// Retry-After: seconds, or a date (RFC 9110, 10.2.3). Never less than none.
std::optional<std::chrono::seconds> wait_asked_for(const std::string& retry_after);

}  // namespace strata::registry::detail
