#include "fs/xattr.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "fs/whiteout.h"

namespace strata {
namespace {

class XattrTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "trusted.* needs root";
    ASSERT_TRUE(write_file(dir(), "file", "x", 0644));
    ASSERT_EQ(::symlinkat("file", dir(), "link"), 0);
    ASSERT_EQ(::mkdirat(dir(), "sub", 0755), 0);
  }
  int dir() const { return temp_.fd(); }
  TestDir temp_{"strata-xattr-"};
};

TEST_F(XattrTest, AreListedSortedWithTheirBytes) {
  EXPECT_FALSE(*has_xattrs(dir(), "file"));
  EXPECT_TRUE(list_xattrs(dir(), "file")->empty());
  std::string bytes("\0\xff=", 3);
  ASSERT_TRUE(set_xattr(dir(), "file", "user.z", bytes));
  ASSERT_TRUE(set_xattr(dir(), "file", "trusted.a", ""));
  EXPECT_TRUE(*has_xattrs(dir(), "file"));
  std::vector<Xattr> expected = {{"trusted.a", ""}, {"user.z", bytes}};
  EXPECT_EQ(*list_xattrs(dir(), "file"), expected);
  EXPECT_EQ(*get_xattr(dir(), "file", "user.z"), bytes);
  EXPECT_EQ(*get_xattr(dir(), "file", "user.absent"), std::nullopt);
  ASSERT_TRUE(remove_xattr(dir(), "file", "user.z"));
  ASSERT_TRUE(remove_xattr(dir(), "file", "user.z"));
  EXPECT_EQ(list_xattrs(dir(), "file")->size(), 1U);
}

TEST_F(XattrTest, DoNotFollowALink) {
  ASSERT_TRUE(set_xattr(dir(), "link", "trusted.of", "link"));
  EXPECT_FALSE(*has_xattrs(dir(), "file"));
  EXPECT_EQ(*get_xattr(dir(), "link", "trusted.of"), "link");
  EXPECT_FALSE(set_xattr(dir(), "link", "user.x", "no user.* on links"));
}

TEST_F(XattrTest, EmptyNameMeansTheDescriptorItself) {
  ASSERT_TRUE(set_xattr(dir(), "", "user.d", "1"));
  EXPECT_EQ(*get_xattr(dir(), "", "user.d"), "1");
  auto path_only = open_at(dir(), "file", O_PATH | O_NOFOLLOW);
  ASSERT_TRUE(path_only);
  ASSERT_TRUE(set_xattr(path_only->get(), "", "user.f", "2"));
  EXPECT_EQ(*get_xattr(dir(), "file", "user.f"), "2");
}

TEST_F(XattrTest, AFileSystemWithoutThemHasNone) {
  auto proc = open_dir(AT_FDCWD, "/proc/self");
  ASSERT_TRUE(proc);
  EXPECT_FALSE(*has_xattrs(proc->get(), "status"));
  EXPECT_TRUE(list_xattrs(proc->get(), "status")->empty());
  auto set = set_xattr(proc->get(), "status", "user.x", "1");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::Unsupported);
}

TEST_F(XattrTest, MissingFileIsNotFound) {
  EXPECT_EQ(has_xattrs(dir(), "absent").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(list_xattrs(dir(), "absent").error().code(), ErrorCode::NotFound);
}

TEST_F(XattrTest, WhiteoutsAndOpaqueDirectories) {
  ASSERT_TRUE(make_whiteout(dir(), "gone"));
  EXPECT_TRUE(is_whiteout(*stat_at(dir(), "gone")));
  EXPECT_FALSE(is_whiteout(*stat_at(dir(), "file")));
  EXPECT_EQ(make_whiteout(dir(), "file").error().code(), ErrorCode::Conflict);
  ASSERT_EQ(::mknodat(dir(), "null", S_IFCHR, makedev(1, 3)), 0);
  EXPECT_FALSE(is_whiteout(*stat_at(dir(), "null")));
  ASSERT_EQ(::mknodat(dir(), "block", S_IFBLK, makedev(0, 0)), 0);
  EXPECT_FALSE(is_whiteout(*stat_at(dir(), "block")));

  EXPECT_FALSE(*is_opaque(dir(), "sub"));
  ASSERT_TRUE(set_opaque(dir(), "sub"));
  EXPECT_TRUE(*is_opaque(dir(), "sub"));
  ASSERT_TRUE(set_xattr(dir(), "sub", kOpaqueXattr, "x"));
  EXPECT_FALSE(*is_opaque(dir(), "sub"));
}

}  // namespace
}  // namespace strata
