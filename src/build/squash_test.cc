#include "build/squash.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "fs/walk.h"
#include "fs/whiteout.h"

namespace strata::build {
namespace {

/// Directories that stand for a base and two layers above it.
class MergeLayer : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"base", "one", "two", "to"}) {
      ASSERT_TRUE(make_dirs(top_.fd(), name, 0755));
    }
    base_ = *open_dir(top_.fd(), "base");
    one_ = *open_dir(top_.fd(), "one");
    two_ = *open_dir(top_.fd(), "two");
    to_ = *open_dir(top_.fd(), "to");
  }
  static void file(const UniqueFd& in, const std::string& name, const std::string& text = "x") {
    ASSERT_TRUE(write_file(in.get(), name, text, 0644));
  }
  static void dir(const UniqueFd& in, const std::string& name, mode_t mode = 0755) {
    ASSERT_TRUE(make_dirs(in.get(), name, mode));
  }
  static void gone(const UniqueFd& in, const std::string& name) {
    ASSERT_EQ(::mknodat(in.get(), name.c_str(), S_IFCHR, 0), 0);
  }
  /// "a/ a/b:x a/c:! d/(opaque)"
  std::string merged() {
    EXPECT_TRUE(merge_layer(one_.get(), to_.get(), base_.get()));
    EXPECT_TRUE(merge_layer(two_.get(), to_.get(), base_.get()));
    std::string text;
    EXPECT_TRUE(walk_tree(to_.get(), [&](const WalkEntry& e) -> Result<WalkStep> {
      text += (text.empty() ? "" : " ") + e.path;
      if (S_ISDIR(e.st.st_mode))
        text += *is_opaque(e.dir, e.name) ? "/(opaque)" : "/";
      else
        text += is_whiteout(e.st) ? ":!" : ":" + *read_file(e.dir, e.name);
      return WalkStep::Enter;
    }));
    return text;
  }

  TestDir top_{"strata-squash-"};
  UniqueFd base_, one_, two_, to_;
};

TEST_F(MergeLayer, TheLaterLayerWins) {
  dir(one_, "a");
  file(one_, "a/f", "1");
  file(one_, "a/g", "1");
  dir(two_, "a", 0700);
  file(two_, "a/f", "2");
  EXPECT_EQ(merged(), "a/ a/f:2 a/g:1");
  EXPECT_EQ(stat_at(to_.get(), "a")->st_mode & 07777, 0700U);
  EXPECT_EQ(stat_at(to_.get(), "a/g")->st_ino, stat_at(one_.get(), "a/g")->st_ino);
}

TEST_F(MergeLayer, WhiteoutsStayOnlyOfWhatTheBaseHas) {
  dir(base_, "etc");
  file(base_, "etc/old");
  dir(one_, "etc");
  file(one_, "etc/new");
  dir(two_, "etc");
  gone(two_, "etc/new");
  gone(two_, "etc/old");
  EXPECT_EQ(merged(), "etc/ etc/old:!");
}

TEST_F(MergeLayer, ADirectoryInPlaceOfARemovedOneHidesTheBase) {
  dir(base_, "d");
  file(base_, "d/old");
  gone(one_, "d");
  dir(two_, "d");
  file(two_, "d/new");
  EXPECT_EQ(merged(), "d/(opaque) d/new:x");
}

TEST_F(MergeLayer, AnOpaqueDirectoryDropsWhatWasMergedSoFar) {
  dir(base_, "d");
  dir(one_, "d");
  file(one_, "d/one");
  dir(two_, "d");
  ASSERT_TRUE(set_opaque(two_.get(), "d"));
  file(two_, "d/two");
  EXPECT_EQ(merged(), "d/(opaque) d/two:x");
}

TEST_F(MergeLayer, OpaqueStaysWhenALaterLayerOnlyAdds) {
  dir(base_, "d");
  dir(one_, "d");
  ASSERT_TRUE(set_opaque(one_.get(), "d"));
  dir(two_, "d");
  file(two_, "d/two");
  EXPECT_EQ(merged(), "d/(opaque) d/two:x");
}

TEST_F(MergeLayer, FilesAndDirectoriesTakeEachOthersPlace) {
  dir(base_, "a");
  dir(one_, "b/c");
  file(one_, "b/c/f");
  file(one_, "a", "1");
  dir(two_, "a");
  file(two_, "b", "2");
  EXPECT_EQ(merged(), "a/(opaque) b:2");
}

}  // namespace
}  // namespace strata::build
