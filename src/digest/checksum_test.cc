#include "digest/checksum.h"

#include <gtest/gtest.h>

#include <string>

namespace strata {
namespace {

TEST(Checksum, IsThatOfItsBytes) {
  const std::string text(1000, '\0');
  EXPECT_EQ(checksum(text), checksum(std::string(1000, '\0')));
  EXPECT_NE(checksum(text), 0u);
}

TEST(Checksum, EveryBitAndEveryLengthCounts) {
  std::string text(100, '\0');
  const auto plain = checksum(text);
  for (std::size_t bit = 0; bit < 8 * text.size(); bit++) {
    auto other = text;
    other[bit / 8] = static_cast<char>(1 << (bit % 8));
    EXPECT_NE(checksum(other), plain) << bit;
  }
  EXPECT_NE(checksum(text + '\0'), plain);
  EXPECT_NE(checksum(""), checksum(std::string(1, '\0')));
}

/// Files that a store has already are known by it.
TEST(Checksum, StaysWhatItWas) { EXPECT_EQ(checksum("strata"), 10354399076930318729u); }

}  // namespace
}  // namespace strata
