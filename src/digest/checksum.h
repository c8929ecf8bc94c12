#pragma once

#include <cstdint>
#include <string_view>

namespace strata {

/// 64 bits by which one finds that stored bytes are not those that were written. For files of our
/// own that short commands read: CRC-64 would load ISA-L. No protection against anybody.
std::uint64_t checksum(std::string_view bytes);

}  // namespace strata
