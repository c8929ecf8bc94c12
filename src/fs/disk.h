#pragma once

#include <cstdint>
#include <optional>

namespace strata {

/// Bytes of the file system that `fd` is on, used or free. Nothing if it does not say.
std::optional<std::int64_t> file_system_size(int fd);

}  // namespace strata
