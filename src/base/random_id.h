#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace strata {

/// Random bytes, as many as `bytes` holds: at most 256.
void fill_random(std::span<std::uint8_t> bytes);

/// `bytes` random bytes as lower-case hex.
std::string random_hex(std::size_t bytes);

/// 64 hex digits: a cache-id or a container ID. Like dockerd, drawn again while the first 12 digits
/// are all decimal, so that a short ID is never mistaken for a number.
std::string random_id();

/// 26 characters of standard base32 (A-Z, 2-7): the short name of a cache directory in `l/`.
std::string random_link_name();

}  // namespace strata
