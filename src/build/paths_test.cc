#include "build/paths.h"

#include <gtest/gtest.h>

namespace strata::build {
namespace {

TEST(Paths, SourcesAreRelativeToTheRoot) {
  EXPECT_EQ(strip_front("././/a/./b"), "a/./b");
  EXPECT_EQ(strip_front("../a"), "../a");
  EXPECT_TRUE(leaves_root("a/../.."));
  EXPECT_FALSE(leaves_root("a/../b/.."));
  EXPECT_EQ(base_name("a/b/"), "b");
  EXPECT_EQ(base_name("a"), "a");
}

TEST(Paths, DestinationsAreAbsolute) {
  EXPECT_EQ(absolute_path("/w", "x/"), "/w/x/");
  EXPECT_EQ(absolute_path("/w", "../../x"), "/x");
  EXPECT_EQ(absolute_path("", "."), "/");
  EXPECT_EQ(absolute_path("/w", "/a//b/./c"), "/a/b/c");
}

TEST(Paths, ParentsPivot) {
  std::size_t pivot = 9;
  EXPECT_EQ(parents_path("a/./b/c", pivot), "a/b/c");
  EXPECT_EQ(pivot, 1U);
  EXPECT_EQ(parents_path("./a/b/", pivot), "a/b");
  EXPECT_EQ(pivot, 0U);
  EXPECT_EQ(parents_path("a/b/./c/./d/.", pivot), "a/b/c/d");
  EXPECT_EQ(pivot, 3U);
  EXPECT_EQ(parents_path("a/b/./../c", pivot), "a/c");
  EXPECT_EQ(pivot, 2U);
  EXPECT_EQ(drop_components("a/b/c", 1), "b/c");
  EXPECT_EQ(drop_components("a/b/c", 0), "a/b/c");
  EXPECT_EQ(drop_components("a", 1), "");
}

}  // namespace
}  // namespace strata::build
