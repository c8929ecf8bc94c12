#include "base/random_id.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace strata {
namespace {

std::vector<std::uint8_t> random_bytes(std::size_t n) {
  std::vector<std::uint8_t> bytes(n);
  fill_random(bytes);
  return bytes;
}

}  // namespace

void fill_random(std::span<std::uint8_t> bytes) {
  // Up to 256 bytes getrandom(2) neither fails nor returns short once the pool is ready.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    if (errno != EINTR) std::abort();
}

std::string random_hex(std::size_t bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes);
  for (std::uint8_t b : random_bytes(bytes)) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

std::string random_id() {
  while (true) {
    auto id = random_hex(32);
    bool decimal = std::all_of(id.begin(), id.begin() + 12, [](char c) { return c <= '9'; });
    if (!decimal) return id;
  }
}

std::string random_link_name() {
  static constexpr char kBase32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  for (std::uint8_t b : random_bytes(26)) out += kBase32[b & 31];
  return out;
}

}  // namespace strata
