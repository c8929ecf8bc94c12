#pragma once

#include <string>
#include <string_view>

#include "http/session.h"

namespace strata::registry::detail {

/// What a registry says of a request that it refuses.
struct Refusal {
  std::string code;     // "MANIFEST_UNKNOWN"; "" if the body is not the API's
  std::string message;  // one line, as docker shows it: "manifest unknown: manifest unknown"
};

/// Reads the body of an answer of 400 and above. The text may come from anyone.
Refusal read_refusal(const http::Answer& answer, std::string_view body);

/// As an Error of the fitting code.
Error refused(const http::Answer& answer, std::string_view body);

/// Bytes of the body of an error that are read.
inline constexpr std::size_t kMaxErrorBody = std::size_t{1} << 20;

std::string percent_encode(std::string_view text);

}  // namespace strata::registry::detail
