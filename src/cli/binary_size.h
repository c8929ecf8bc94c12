#pragma once

#include <cstdint>
#include <string>

namespace strata::cli {

/// "23.46GiB", "512KiB", "0B": four digits, as docker prints memory.
std::string binary_size(std::uint64_t bytes);

}  // namespace strata::cli
