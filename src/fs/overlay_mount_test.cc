#include "fs/overlay_mount.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/test_dir.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"

namespace strata {
namespace {

class OverlayMount : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "mounting needs root";
  }

  int dir() const { return temp_.fd(); }
  void make(const std::string& path) { ASSERT_TRUE(make_dirs(dir(), path, 0755)); }
  void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(write_file(dir(), path, text, 0644));
  }
  OverlaySpec spec(std::vector<std::string> lowers, std::string upper = "") const {
    return {dir(), std::move(lowers), upper, upper.empty() ? "" : "work", false};
  }
  static std::string read(const UniqueFd& mount, const std::string& name) {
    auto text = read_file(mount.get(), name);
    return text ? *text : text.error().message();
  }
  static std::vector<std::string> names(const UniqueFd& mount, const std::string& path) {
    auto opened = open_dir(mount.get(), path);
    EXPECT_TRUE(opened);
    auto list = list_dir(opened->get());
    EXPECT_TRUE(list);
    return *list;
  }

  TestDir temp_{"strata-overlay-"};
};

using Names = std::vector<std::string>;

TEST_F(OverlayMount, MergesLowersWithWhiteoutAndOpaque) {
  for (const char* d : {"base/etc", "base/opaque", "top/etc", "top/opaque"}) make(d);
  write("base/etc/a", "base a");
  write("base/etc/b", "base b");
  write("base/opaque/hidden", "x");
  write("top/etc/b", "top b");
  write("top/opaque/new", "y");
  auto etc = open_dir(dir(), "top/etc");
  ASSERT_TRUE(etc);
  ASSERT_TRUE(make_whiteout(etc->get(), "a"));
  ASSERT_TRUE(set_opaque(dir(), "top/opaque"));

  auto mount = mount_overlay(spec({"top", "base"}));
  ASSERT_TRUE(mount) << mount.error().message();
  EXPECT_EQ(names(*mount, "etc"), Names{"b"});
  EXPECT_EQ(read(*mount, "etc/b"), "top b");
  EXPECT_EQ(names(*mount, "opaque"), Names{"new"});
  EXPECT_EQ(::openat(mount->get(), "etc/c", O_CREAT | O_WRONLY, 0600), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(OverlayMount, WritesGoToTheUpperDirectory) {
  for (const char* d : {"base/sub", "upper", "work"}) make(d);
  write("base/sub/file", "old");
  write("base/gone", "x");
  {
    auto mount = mount_overlay(spec({"base"}, "upper"));
    ASSERT_TRUE(mount) << mount.error().message();
    ASSERT_TRUE(write_file(mount->get(), "sub/file", "new", 0644));
    ASSERT_EQ(::unlinkat(mount->get(), "gone", 0), 0);
    ASSERT_EQ(::renameat(mount->get(), "sub/file", mount->get(), "moved"), 0);
    // With redirect_dir=off a directory of a lower layer is not renamed but refused.
    EXPECT_EQ(::renameat(mount->get(), "sub", mount->get(), "sub2"), -1);
    EXPECT_EQ(errno, EXDEV);
  }
  EXPECT_EQ(*read_file(dir(), "base/sub/file"), "old");
  EXPECT_EQ(*read_file(dir(), "upper/moved"), "new");
  EXPECT_TRUE(is_whiteout(*stat_at(dir(), "upper/gone")));
  EXPECT_TRUE(is_whiteout(*stat_at(dir(), "upper/sub/file")));
}

TEST_F(OverlayMount, CopiesUpDataNotOnlyMetadata) {
  for (const char* d : {"base", "upper", "work"}) make(d);
  write("base/file", "content");
  auto mount = mount_overlay(spec({"base"}, "upper"));
  ASSERT_TRUE(mount);
  ASSERT_EQ(::fchmodat(mount->get(), "file", 0600, 0), 0);
  EXPECT_EQ(*read_file(dir(), "upper/file"), "content");
  EXPECT_EQ(*get_xattr(dir(), "upper/file", "trusted.overlay.metacopy"), std::nullopt);
}

TEST_F(OverlayMount, Takes125LowersBesideAnUpper) {
  Names lowers;
  make("l");
  for (int i = 0; i < 125; i++) {
    auto id = fmt::format("{:064x}", i);
    make(id + "/diff");
    write(id + "/diff/" + std::to_string(i), "x");
    auto link = fmt::format("l/{:0>26}", i);
    ASSERT_EQ(::symlinkat(("../" + id + "/diff").c_str(), dir(), link.c_str()), 0);
    lowers.push_back(link);
  }
  auto upper = std::string(64, 'f');
  make(upper + "/diff");
  make(upper + "/work");
  auto mount = mount_overlay({dir(), lowers, upper + "/diff", upper + "/work", true});
  ASSERT_TRUE(mount) << mount.error().message();
  EXPECT_EQ(names(*mount, ".").size(), 125U);
}

TEST_F(OverlayMount, VolatileLeavesItsMark) {
  for (const char* d : {"base", "upper", "work"}) make(d);
  auto s = spec({"base"}, "upper");
  s.is_volatile = true;
  {
    auto mount = mount_overlay(s);
    ASSERT_TRUE(mount);
    ASSERT_TRUE(write_file(mount->get(), "f", "1", 0644));
  }
  EXPECT_TRUE(stat_at(dir(), "work/work/incompat/volatile"));
  EXPECT_FALSE(mount_overlay(s));
}

TEST_F(OverlayMount, OneDirectoryNeedsNoOverlay) {
  for (const char* d : {"one", "work"}) make(d);
  write("one/f", "1");
  auto view = mount_overlay(spec({"one"}));
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_EQ(read(*view, "f"), "1");
  EXPECT_FALSE(write_file(view->get(), "g", "2", 0644));
  auto writable = mount_overlay(spec({}, "one"));
  ASSERT_TRUE(writable);
  EXPECT_TRUE(write_file(writable->get(), "g", "2", 0644));
  EXPECT_EQ(*read_file(dir(), "one/g"), "2");
}

TEST_F(OverlayMount, IsNowhereAttachedAndVanishesWithItsDescriptor) {
  for (const char* d : {"base", "upper", "work"}) make(d);
  for (int i = 0; i < 20; i++) {  // the same upper and work again: the last one is really gone
    auto mount = mount_overlay(spec({"base"}, "upper"));
    ASSERT_TRUE(mount) << mount.error().message();
    auto mounts = read_file(AT_FDCWD, "/proc/self/mountinfo");
    EXPECT_EQ(mounts->find(temp_.name()), std::string::npos);
  }
}

/// fsconfig(2) takes no more than 256 bytes at once.
TEST_F(OverlayMount, ALongWayToTheDirectoriesIsTheOtherWayOfMounting) {
  std::string deep = std::string(120, 'a') + "/" + std::string(120, 'b');
  for (const char* d : {"/base", "/upper", "/work"}) make(deep + d);
  write(deep + "/base/f", "1");
  auto below = open_dir(dir(), deep);
  ASSERT_TRUE(below);
  auto mount = mount_overlay({below->get(), {"base"}, "upper", "work", true});
  ASSERT_TRUE(mount) << mount.error().message();
  EXPECT_EQ(read(*mount, "f"), "1");
  ASSERT_TRUE(write_file(mount->get(), "g", "2", 0644));
  EXPECT_EQ(*read_file(below->get(), "upper/g"), "2");
}

TEST_F(OverlayMount, AChildProcessAttachesItForItself) {
  for (const char* d : {"base", "upper", "work", "target"}) make(d);
  write("base/f", "1");
  for (const auto& s : {spec({"base"}, "upper"), spec({"base"})}) {
    auto mount = mount_overlay(s);
    ASSERT_TRUE(mount);
    auto target = temp_.path() + "/target";
    pid_t pid = ::fork();
    if (pid == 0) {
      bool ok = ::unshare(CLONE_NEWNS) == 0 &&
                ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                attach_mount(mount->get(), target.c_str()) == 0 &&
                ::access((target + "/f").c_str(), F_OK) == 0;
      ::_exit(ok ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(stat_at(dir(), "target/f"));
  }
}

TEST_F(OverlayMount, RefusesWhatTheOptionStringCannotHold) {
  EXPECT_FALSE(mount_overlay(spec({})));
  EXPECT_FALSE(mount_overlay(spec({"a:b", "c"})));
  EXPECT_FALSE(mount_overlay(spec({"a,upperdir=x", "c"})));
  EXPECT_FALSE(mount_overlay(spec(Names(129, "a"))));
  EXPECT_FALSE(mount_overlay(spec(Names(100, std::string(64, 'a')))));
  auto missing = mount_overlay(spec({"absent", "absent2"}));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace strata
