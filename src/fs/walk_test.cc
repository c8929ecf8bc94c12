#include "fs/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

class Walk : public testing::Test {
 protected:
  int dir() const { return temp_.fd(); }
  void touch(const std::string& path) { ASSERT_TRUE(write_file(dir(), path, "", 0644)); }

  std::vector<std::string> walk() {
    std::vector<std::string> paths;
    auto done = walk_tree(dir(), [&](const WalkEntry& e) -> Result<WalkStep> {
      EXPECT_TRUE(stat_at(e.dir, e.name));
      EXPECT_TRUE(e.path == e.name || e.path.ends_with("/" + e.name));
      paths.push_back(e.path);
      return WalkStep::Enter;
    });
    EXPECT_TRUE(done) << done.error().message();
    return paths;
  }

  TestDir temp_{"strata-walk-"};
};

using Paths = std::vector<std::string>;

std::size_t open_descriptors() {
  auto fds = open_dir(AT_FDCWD, "/proc/self/fd");
  return list_dir(fds->get())->size();
}

TEST_F(Walk, EmptyDirectory) { EXPECT_EQ(walk(), Paths()); }

TEST_F(Walk, ByteOrderAndDirectoryBeforeItsContent) {
  ASSERT_TRUE(make_dirs(dir(), "a/b", 0755));
  for (const char* f : {"a/b/c", "a.txt", "a/z", "A", "\xff", "\xc3\xa9", "-", "a b"}) touch(f);
  EXPECT_EQ(walk(),
            (Paths{"-", "A", "a", "a/b", "a/b/c", "a/z", "a b", "a.txt", "\xc3\xa9", "\xff"}));
}

TEST_F(Walk, LinksAreEntriesAndNotFollowed) {
  ASSERT_TRUE(make_dirs(dir(), "d", 0755));
  touch("d/f");
  ASSERT_EQ(::symlinkat("d", dir(), "link"), 0);
  ASSERT_EQ(::symlinkat("/", dir(), "out"), 0);
  ASSERT_EQ(::symlinkat("..", dir(), "d/up"), 0);
  EXPECT_EQ(walk(), (Paths{"d", "d/f", "d/up", "link", "out"}));
}

TEST_F(Walk, SkipStaysOutAndErrorsEndIt) {
  ASSERT_TRUE(make_dirs(dir(), "a/x", 0755));
  ASSERT_TRUE(make_dirs(dir(), "b/x", 0755));
  Paths seen;
  ASSERT_TRUE(walk_tree(dir(), [&](const WalkEntry& e) -> Result<WalkStep> {
    seen.push_back(e.path);
    return e.path == "a" ? WalkStep::Skip : WalkStep::Enter;
  }));
  EXPECT_EQ(seen, (Paths{"a", "b", "b/x"}));
  auto stopped = walk_tree(dir(), [&](const WalkEntry&) -> Result<WalkStep> {
    return Error(ErrorCode::Cancelled, "enough");
  });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message(), "enough");
}

TEST_F(Walk, PassesOverWhatVanishes) {
  ASSERT_TRUE(make_dirs(dir(), "a", 0755));
  ASSERT_TRUE(make_dirs(dir(), "b", 0755));
  touch("c");
  Paths seen;
  ASSERT_TRUE(walk_tree(dir(), [&](const WalkEntry& e) -> Result<WalkStep> {
    seen.push_back(e.path);
    if (e.path == "a") {
      EXPECT_EQ(::unlinkat(e.dir, "a", AT_REMOVEDIR), 0);
      EXPECT_EQ(::unlinkat(e.dir, "c", 0), 0);
    }
    if (e.path == "b") {  // becomes a link between lstat and open
      EXPECT_EQ(::unlinkat(e.dir, "b", AT_REMOVEDIR), 0);
      EXPECT_EQ(::symlinkat("/", e.dir, "b"), 0);
    }
    return WalkStep::Enter;
  }));
  EXPECT_EQ(seen, (Paths{"a", "b"}));
}

TEST_F(Walk, ADeepTreeNeedsNeitherDescriptorsNorStack) {
  // 1000 levels; on the way back there is a second file in each, behind the directory.
  std::string path;
  for (int i = 0; i < 1000; i++) {
    path += path.empty() ? "d" : "/d";
    ASSERT_EQ(::mkdirat(dir(), path.c_str(), 0755), 0);
    touch(path + "/z");
  }
  auto before = open_descriptors();
  std::size_t most = 0;
  std::size_t entries = 0;
  auto done = walk_tree(dir(), [&](const WalkEntry& e) -> Result<WalkStep> {
    if (entries++ % 100 == 0) most = std::max(most, open_descriptors());
    EXPECT_TRUE(stat_at(e.dir, e.name));
    return WalkStep::Enter;
  });
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(entries, 2000U);
  EXPECT_LE(most, before + 66);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Walk, APathThatNothingCanOpenIsAnError) {
  std::string name(250, 'n');
  auto at = duplicate(dir());
  for (int i = 0; i < 20; i++) {
    ASSERT_EQ(::mkdirat(at->get(), name.c_str(), 0755), 0);
    at = open_dir(at->get(), name);
    ASSERT_TRUE(at);
  }
  auto done =
      walk_tree(dir(), [](const WalkEntry&) -> Result<WalkStep> { return WalkStep::Enter; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::InvalidArgument);
  EXPECT_TRUE(done.error().message().starts_with("path is longer than 4095 bytes: nnn"));
}

/// A plain recursive listing, to compare with.
void list_simply(int fd, const std::string& prefix, Paths& out) {
  auto names = list_dir(fd);
  ASSERT_TRUE(names);
  for (const auto& name : *names) {
    out.push_back(prefix + name);
    if (S_ISDIR(stat_at(fd, name)->st_mode))
      list_simply(open_dir(fd, name)->get(), prefix + name + "/", out);
  }
}

TEST_F(Walk, FindsWhatASimpleListingFindsInRandomTrees) {
  std::mt19937 random(7);
  std::vector<std::string> dirs = {"."};
  for (int i = 0; i < 2000; i++) {
    auto path = dirs[random() % dirs.size()] + "/" + std::to_string(random() % 100000);
    if (random() % 4 == 0 && ::mkdirat(dir(), path.c_str(), 0755) == 0)
      dirs.push_back(path);
    else
      (void)write_file(dir(), path, "", 0644);  // the name may be a directory by now
  }
  Paths expected;
  list_simply(dir(), "", expected);
  EXPECT_EQ(walk(), expected);
}

}  // namespace
}  // namespace strata
