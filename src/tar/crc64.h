#pragma once

#include <cstdint>
#include <string_view>

namespace strata::tar {

/// CRC-64/ISO as Go's hash/crc64 computes it: reflected polynomial 0xD800000000000000, all ones
/// before and after (docs/store.md, 4.1). Of no bytes: 0. For a stream give the value so far:
/// crc64(b, crc64(a)) == crc64(a + b).
std::uint64_t crc64(std::string_view bytes, std::uint64_t before = 0);

}  // namespace strata::tar
