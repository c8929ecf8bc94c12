#include "digest/background_hasher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace strata {
namespace {

/// Bytes that differ from block to block.
std::string some(std::size_t size) {
  std::string bytes(size, 0);
  for (std::size_t i = 0; i < size; i++) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

TEST(BackgroundHasher, SaysWhatSha256Says) {
  for (std::size_t size : {0UL, 1UL, 262'143UL, 262'144UL, 262'145UL, 3'000'000UL}) {
    auto bytes = some(size);
    for (std::size_t piece : {std::size_t{1000}, size + 1}) {
      BackgroundHasher hasher;
      for (std::size_t at = 0; at < size; at += piece)
        hasher.update(std::string_view(bytes).substr(at, piece));
      EXPECT_EQ(hasher.finish(), sha256(bytes)) << size << " in pieces of " << piece;
    }
  }
}

TEST(BackgroundHasher, IsFilledInPlace) {
  for (std::size_t size : {1UL, 262'144UL, 3'000'000UL}) {
    auto bytes = some(size);
    for (std::size_t most : {std::size_t{1000}, size}) {
      BackgroundHasher hasher;
      for (std::size_t at = 0; at < size;) {
        auto room = hasher.room();
        auto n = bytes.copy(room.data(), std::min(most, room.size()), at);
        hasher.take(n);
        at += n;
      }
      EXPECT_EQ(hasher.finish(), sha256(bytes)) << size << " in pieces of " << most;
    }
  }
}

TEST(BackgroundHasher, MayBeLeftHalfway) {
  auto bytes = some(2'000'000);
  BackgroundHasher hasher;
  hasher.update(bytes);
}

}  // namespace
}  // namespace strata
