#include "base/text.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a:b", ':'), (Parts{"a", "b"}));
  EXPECT_EQ(split("a//b/", '/'), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
}

TEST(SplitWords, LeavesOutEmptyParts) {
  EXPECT_EQ(split_words(" a\tbc \r\n d"), (Parts{"a", "bc", "d"}));
  EXPECT_EQ(split_words("a"), (Parts{"a"}));
  EXPECT_EQ(split_words(" \n"), Parts{});
  EXPECT_EQ(split_words(""), Parts{});
}

TEST(HexDigit, TakesBothCases) {
  for (char c : std::string_view("0189abcfABCF")) EXPECT_TRUE(is_hex_digit(c)) << c;
  for (char c : std::string_view("gG/:@`x ")) EXPECT_FALSE(is_hex_digit(c)) << c;
}

TEST(Join, PutsTheSeparatorBetweenWords) {
  EXPECT_EQ(join({}, " "), "");
  EXPECT_EQ(join({"a"}, ", "), "a");
  EXPECT_EQ(join({"a", "", "b"}, ", "), "a, , b");
}

}  // namespace
}  // namespace strata
