#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace strata::dockerfile::detail {

/// A flag that an instruction knows and where its value goes. A vector collects a flag that may be
/// repeated; a bool flag may stand without value.
struct Flag {
  std::string_view name;  // without "--"
  std::variant<std::string*, bool*, std::optional<bool>*, std::vector<std::string>*> target;
};

/// Stores the values of `words` ("--name=value"). InvalidArgument with docker's text for a flag
/// that is not in `known`, that is given twice, or that lacks its value.
Result<void> parse_flags(std::span<const std::string> words, std::initializer_list<Flag> known);

}  // namespace strata::dockerfile::detail
