#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace strata {

/// The parts of a --filter, "name=value". InvalidArgument in docker's words without a "=".
inline Result<std::pair<std::string, std::string>> split_filter(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos)
    return Error(ErrorCode::InvalidArgument, "bad format of filter (expected name=value)");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

}  // namespace strata
