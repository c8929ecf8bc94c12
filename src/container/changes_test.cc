#include "container/changes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "container/copy_tree.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"

namespace strata {
namespace {

/// A lower tree and an upper one, made by hand.
class Changes : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "whiteouts need root";
    for (auto [name, fd] : {std::pair("lower", &lower_), std::pair("upper", &upper_)}) {
      ASSERT_TRUE(make_dirs(temp_.fd(), name, 0755));
      auto dir = open_dir(temp_.fd(), name);
      ASSERT_TRUE(dir);
      *fd = *std::move(dir);
    }
  }

  static void write(const UniqueFd& tree, const std::string& path, std::string_view text = "x") {
    auto slash = path.rfind('/');
    if (slash != std::string::npos) make(tree, path.substr(0, slash));
    ASSERT_TRUE(write_file(tree.get(), path, text, 0644));
    timespec times[2] = {{100, 0}, {100, 0}};
    ASSERT_EQ(::utimensat(tree.get(), path.c_str(), times, 0), 0);
  }
  static void make(const UniqueFd& tree, const std::string& path) {
    ASSERT_TRUE(make_dirs(tree.get(), path, 0755));
  }

  std::string diff() const {
    auto changes = changed_files(upper_.get(), {lower_.get()});
    if (!changes) return changes.error().message();
    std::string text;
    for (const auto& c : *changes)
      text += std::string("CAD").substr(static_cast<std::size_t>(c.kind), 1) + c.path + ' ';
    return text;
  }

  TestDir temp_{"strata-changes-"};
  UniqueFd lower_;
  UniqueFd upper_;
};

TEST_F(Changes, AddedModifiedAndDeleted) {
  write(lower_, "etc/passwd");
  write(lower_, "etc/gone");
  write(lower_, "etc/same");
  write(upper_, "etc/passwd", "longer");
  write(upper_, "etc/new");
  write(upper_, "etc/same");
  ASSERT_TRUE(make_whiteout(upper_.get(), "etc/gone"));
  EXPECT_EQ(diff(), "C/etc D/etc/gone A/etc/new C/etc/passwd ");
}

TEST_F(Changes, ADirectoryIsListedForWhatIsInItOnly) {
  write(lower_, "a/b/c");
  make(upper_, "a/b");
  EXPECT_EQ(diff(), "");
  write(upper_, "a/b/d");
  EXPECT_EQ(diff(), "C/a C/a/b A/a/b/d ");
  ASSERT_EQ(::fchmodat(upper_.get(), "a/b", 0700, 0), 0);
  EXPECT_EQ(diff(), "C/a C/a/b A/a/b/d ");
}

TEST_F(Changes, ADeletedDirectoryIsOneLine) {
  write(lower_, "d/e/f");
  ASSERT_TRUE(make_whiteout(upper_.get(), "d"));
  EXPECT_EQ(diff(), "D/d ");
}

TEST_F(Changes, AnOpaqueDirectoryDeletesWhatItDoesNotHave) {
  write(lower_, "d/kept");
  write(lower_, "d/hidden");
  write(lower_, "d/sub/deep");
  write(upper_, "d/kept");
  write(upper_, "d/new");
  ASSERT_TRUE(set_opaque(upper_.get(), "d"));
  EXPECT_EQ(diff(), "C/d D/d/hidden A/d/new D/d/sub ");
}

TEST_F(Changes, AWhiteoutOfNothingIsNoChange) {
  ASSERT_TRUE(make_whiteout(upper_.get(), "never"));
  EXPECT_EQ(diff(), "");
}

TEST_F(Changes, ALinkInTheLowerTreeIsNotFollowed) {
  write(lower_, "real/file");
  ASSERT_EQ(::symlinkat("real", lower_.get(), "d"), 0);
  write(upper_, "d/file");
  EXPECT_EQ(diff(), "C/d A/d/file ");
}

TEST_F(Changes, TypeTimeOwnerAndCapabilityCount) {
  for (const char* name : {"cap", "fraction", "owner", "time", "type"}) {
    write(lower_, name);
    if (std::string_view(name) != "type") write(upper_, name);
  }
  ASSERT_EQ(::symlinkat("x", upper_.get(), "type"), 0);
  ASSERT_EQ(::fchownat(upper_.get(), "owner", 1, 1, 0), 0);
  timespec later[2] = {{101, 0}, {101, 0}};
  timespec fraction[2] = {{100, 5}, {100, 5}};
  ASSERT_EQ(::utimensat(upper_.get(), "time", later, 0), 0);
  ASSERT_EQ(::utimensat(upper_.get(), "fraction", fraction, 0), 0);
  const std::string kCapability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  if (auto set = set_xattr(upper_.get(), "cap", "security.capability", kCapability); !set)
    FAIL() << set.error().message();
  EXPECT_EQ(diff(), "C/cap C/owner C/time C/type ");
}

TEST_F(Changes, LayersAreSeenThroughEachOther) {
  auto below = make_dirs(temp_.fd(), "below", 0755);
  ASSERT_TRUE(below);
  auto bottom = open_dir(temp_.fd(), "below");
  ASSERT_TRUE(bottom);
  write(*bottom, "d/deleted");
  write(*bottom, "d/seen");
  write(*bottom, "opaque/gone");
  ASSERT_TRUE(make_dirs(lower_.get(), "d", 0755));
  ASSERT_TRUE(make_whiteout(lower_.get(), "d/deleted"));
  write(lower_, "opaque/kept");
  ASSERT_TRUE(set_opaque(lower_.get(), "opaque"));
  for (const char* path : {"d/deleted", "d/seen", "opaque/gone", "opaque/kept"})
    write(upper_, path, "changed");
  ASSERT_TRUE(make_whiteout(upper_.get(), "opaque/never"));
  auto changes = changed_files(upper_.get(), {lower_.get(), bottom->get()});
  ASSERT_TRUE(changes) << changes.error().message();
  using enum ChangeKind;
  EXPECT_EQ(*changes, (std::vector<FileChange>{{Modified, "/d"},
                                               {Added, "/d/deleted"},
                                               {Modified, "/d/seen"},
                                               {Modified, "/opaque"},
                                               {Added, "/opaque/gone"},
                                               {Modified, "/opaque/kept"}}));
}

TEST_F(Changes, WhatIsInANewDirectoryIsNew) {
  write(upper_, "new/sub/file");
  ASSERT_TRUE(make_whiteout(upper_.get(), "new/sub/never"));
  ASSERT_EQ(::mknodat(upper_.get(), "new/device", S_IFCHR | 0600, makedev(1, 3)), 0);
  EXPECT_EQ(diff(), "A/new A/new/device A/new/sub A/new/sub/file ");
}

TEST_F(Changes, ManyDirectoriesAreComparedInAnyOrder) {
  std::string expected = "C/top ";
  for (int i = 100; i < 300; i++) {
    auto d = fmt::format("top/d{}", i);
    write(lower_, d + "/file");
    write(lower_, d + "/sub/same");
    write(upper_, d + "/sub/same");
    if (i % 2 == 0) continue;
    write(upper_, d + "/file", "longer");
    write(upper_, d + "/sub/new/deep/f");
    expected += fmt::format(
        "C/{0} C/{0}/file C/{0}/sub A/{0}/sub/new A/{0}/sub/new/deep "
        "A/{0}/sub/new/deep/f ",
        d);
  }
  EXPECT_EQ(diff(), expected);
}

TEST_F(Changes, PathsAreSortedAsBytes) {
  write(upper_, "a/z");
  write(upper_, "a-b");
  write(upper_, "a.c");
  EXPECT_EQ(diff(), "A/a A/a-b A/a.c A/a/z ");
}

TEST_F(Changes, ACopiedTreeHasEverything) {
  write(upper_, "d/file", std::string(100000, 'y'));
  ASSERT_EQ(::linkat(upper_.get(), "d/file", upper_.get(), "name2", 0), 0);
  ASSERT_EQ(::symlinkat("../nowhere", upper_.get(), "d/link"), 0);
  ASSERT_EQ(::mkfifoat(upper_.get(), "fifo", 0620), 0);
  ASSERT_TRUE(make_whiteout(upper_.get(), "d/gone"));
  ASSERT_TRUE(set_opaque(upper_.get(), "d"));
  ASSERT_EQ(::fchownat(upper_.get(), "d/file", 5, 6, 0), 0);
  ASSERT_EQ(::fchmodat(upper_.get(), "d/file", 04755, 0), 0);
  timespec times[2] = {{1, 2}, {3, 4}};
  ASSERT_EQ(::utimensat(upper_.get(), "d", times, 0), 0);
  auto copied = copy_tree(upper_.get(), lower_.get());
  ASSERT_TRUE(copied) << copied.error().message();

  for (const char* name : {"d", "d/file", "name2", "d/link", "fifo", "d/gone"}) {
    auto before = stat_at(upper_.get(), name);
    auto after = stat_at(lower_.get(), name);
    ASSERT_TRUE(before && after) << name;
    EXPECT_EQ(before->st_mode, after->st_mode) << name;
    EXPECT_EQ(before->st_uid, after->st_uid) << name;
    EXPECT_EQ(before->st_size == after->st_size || S_ISDIR(before->st_mode), true) << name;
    EXPECT_EQ(before->st_mtim.tv_nsec, after->st_mtim.tv_nsec) << name;
    EXPECT_EQ(before->st_nlink, after->st_nlink) << name;
    EXPECT_EQ(before->st_rdev, after->st_rdev) << name;
  }
  auto opaque = is_opaque(lower_.get(), "d");
  EXPECT_TRUE(opaque && *opaque);
  auto text = read_file(lower_.get(), "name2");
  EXPECT_TRUE(text && *text == std::string(100000, 'y'));
}

TEST_F(Changes, HolesStayHoles) {
  auto file = open_at(upper_.get(), "sparse", O_WRONLY | O_CREAT, 0644);
  ASSERT_TRUE(file);
  ASSERT_EQ(::pwrite(file->get(), "end", 3, 10 << 20), 3);
  ASSERT_TRUE(copy_tree(upper_.get(), lower_.get()));
  auto st = stat_at(lower_.get(), "sparse");
  ASSERT_TRUE(st);
  EXPECT_EQ(st->st_size, (10 << 20) + 3);
  EXPECT_LT(st->st_blocks * 512, 1 << 20);
}

}  // namespace
}  // namespace strata
