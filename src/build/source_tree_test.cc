#include "build/source_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata::build {
namespace {

class SourceTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"d", "d/e", "a.d", "x"}) ASSERT_TRUE(make_dirs(dir_.fd(), name, 0755));
    for (const char* name : {"a.txt", "d/f.txt", "d/e/g.txt", "d-x", "x/k"})
      ASSERT_TRUE(write_file(dir_.fd(), name, name, 0644));
    ASSERT_EQ(::symlinkat("../d/e", dir_.fd(), "x/up"), 0);
    ASSERT_EQ(::symlinkat("/a.txt", dir_.fd(), "x/abs"), 0);
    ASSERT_EQ(::symlinkat("../../../../etc/passwd", dir_.fd(), "x/out"), 0);
    ASSERT_EQ(::symlinkat("loop", dir_.fd(), "loop"), 0);
  }
  SourceTree tree(std::string_view ignore = "") {
    auto matcher = dockerfile::IgnoreMatcher::parse(ignore);
    EXPECT_TRUE(matcher);
    return {dir_.fd(), *std::move(matcher)};
  }
  static std::vector<std::string> paths(SourceTree& t, const std::string& directory) {
    std::vector<std::string> out;
    auto files = t.list(directory);
    EXPECT_TRUE(files);
    for (const auto& f : *files) out.push_back(f.path);
    return out;
  }
  TestDir dir_{"source-tree-test-"};
};

using Paths = std::vector<std::string>;

TEST_F(SourceTreeTest, ListsInTheOrderOfAWalk) {
  auto t = tree();
  auto all = paths(t, "");
  EXPECT_EQ(all, (Paths{"a.d", "a.txt", "d", "d/e", "d/e/g.txt", "d/f.txt", "d-x", "loop", "x",
                        "x/abs", "x/k", "x/out", "x/up"}));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), WalkOrder()));
  EXPECT_EQ(paths(t, "d"), (Paths{"d/e", "d/e/g.txt", "d/f.txt"})) << "a part of a known listing";
  auto fresh = tree();
  EXPECT_EQ(paths(fresh, "d"), (Paths{"d/e", "d/e/g.txt", "d/f.txt"})) << "walked on its own";
}

TEST_F(SourceTreeTest, IgnoredFilesDoNotExist) {
  auto t = tree("d\n!d/e/g.txt\n*.txt");
  EXPECT_EQ(paths(t, ""), (Paths{"a.d", "d", "d/e", "d/e/g.txt", "d-x", "loop", "x", "x/abs", "x/k",
                                 "x/out", "x/up"}))
      << "the directories above a file that was brought back are there";
  EXPECT_FALSE(t.find("a.txt"));
  EXPECT_FALSE(t.find("x/abs")) << "a link to an ignored file";
  EXPECT_TRUE(t.find("d/e/g.txt"));
  EXPECT_TRUE(t.find("d")) << "an ignored directory with something left below it";
  EXPECT_FALSE(tree("d").find("d"));
}

TEST_F(SourceTreeTest, FollowsLinksInsideTheRootOnly) {
  auto t = tree();
  EXPECT_EQ(t.find("x/up")->path, "d/e");
  EXPECT_EQ(t.find("x/up/g.txt")->path, "d/e/g.txt");
  EXPECT_EQ(t.find("x/abs")->path, "a.txt") << "absolute means the root of the tree";
  EXPECT_FALSE(t.find("x/out"));
  EXPECT_FALSE(t.find("loop"));
  EXPECT_EQ(t.find("../../d")->path, "d");
  EXPECT_EQ(t.find("")->path, "");
}

struct GlobCase {
  const char* name;
  const char* pattern;
  Paths matches;
};
class SourceGlob : public SourceTreeTest, public testing::WithParamInterface<GlobCase> {};

TEST_P(SourceGlob, MatchesWholePaths) {
  auto t = tree();
  auto found = t.glob(GetParam().pattern);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, GetParam().matches);
}
INSTANTIATE_TEST_SUITE_P(Cases, SourceGlob,
                         testing::Values(GlobCase{"TopLevelOnly", "*.txt", {"a.txt"}},
                                         GlobCase{"BelowALiteral", "d/*.txt", {"d/f.txt"}},
                                         GlobCase{"StarIsOneLevel", "**/*.txt", {"d/f.txt"}},
                                         GlobCase{"ThroughALink", "x/up/*", {"x/up/g.txt"}},
                                         GlobCase{"Class", "d/[e-f]*", {"d/e", "d/f.txt"}},
                                         GlobCase{"NoHit", "*.nope", {}},
                                         GlobCase{"BadPattern", "[", {}}),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(WalkOrderTest, ContentFollowsItsDirectoryAtOnce) {
  WalkOrder less;
  EXPECT_TRUE(less("d", "d/x"));
  EXPECT_TRUE(less("d/x", "d-x"));
  EXPECT_TRUE(less("d/x", "d.x"));
  EXPECT_TRUE(less("a", "\xff"));
  EXPECT_FALSE(less("a", "a"));
}

}  // namespace
}  // namespace strata::build
