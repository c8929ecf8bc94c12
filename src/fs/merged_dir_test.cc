#include "fs/merged_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "base/io.h"
#include "base/test_dir.h"
#include "fs/overlay_mount.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"

namespace strata {
namespace {

/// Layers made by hand or at random, beside what overlayfs itself shows of them.
class MergedDirs : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) FAIL() << "mounting needs root";
  }

  int add_layer(const std::string& name) {
    EXPECT_TRUE(make_dirs(temp_.fd(), name, 0755));
    auto dir = open_dir(temp_.fd(), name);
    EXPECT_TRUE(dir);
    names_.push_back(name);
    fds_.push_back(*std::move(dir));
    layers_.push_back(fds_.back().get());
    return layers_.back();
  }

  /// Names below `layer` that often are in other layers too, each as one of all kinds.
  void fill(int layer, int levels) {
    for (const char* name : {"a", "b", "c", "d"}) {
      switch (random_() % 6) {
        case 0:
          ASSERT_TRUE(write_file(layer, name, std::string(random_() % 100, 'x'), 0644));
          break;
        case 1:
          ASSERT_TRUE(make_whiteout(layer, name));
          break;
        case 2:
          ASSERT_EQ(::symlinkat("a", layer, name), 0);
          break;
        case 3:
          break;
        default:
          ASSERT_TRUE(make_dirs(layer, name, 0700 + random_() % 8));
          if (random_() % 4 == 0) ASSERT_TRUE(set_opaque(layer, name));
          if (levels > 1) fill(open_dir(layer, name)->get(), levels - 1);
      }
    }
  }

  /// All names below `path` with type, mode and size.
  static void tell(const MergedDir::Layers& layers, const std::string& path, std::string& text) {
    auto dir = MergedDir::open(layers, path);
    ASSERT_TRUE(dir) << dir.error().message();
    auto names = dir->names();
    ASSERT_TRUE(names) << names.error().message();
    for (const auto& name : *names) {
      auto found = dir->find(name);
      ASSERT_TRUE(found && *found) << name;
      const auto& st = (*found)->st;
      auto below = path.empty() ? name : path + '/' + name;
      text += fmt::format("{} {:o} {}\n", below, st.st_mode, S_ISREG(st.st_mode) ? st.st_size : 0);
      if (S_ISDIR(st.st_mode)) tell(dir->layers(), below, text);
    }
  }

  TestDir temp_{"strata-merged-"};
  std::vector<std::string> names_;
  std::vector<UniqueFd> fds_;
  MergedDir::Layers layers_;  // top first
  std::mt19937 random_{5};
};

TEST_F(MergedDirs, ShowWhatOverlayfsShows) {
  std::size_t length = 0;
  for (int round = 0; round < 12; round++) {
    names_.clear();
    layers_.clear();
    for (int i = 0; i < 4; i++) fill(add_layer(fmt::format("{}-{}", round, i)), 3);
    auto mount = mount_overlay({temp_.fd(), names_, "", "", false});
    ASSERT_TRUE(mount) << mount.error().message();
    std::string ours;
    std::string overlayfs;
    tell(layers_, "", ours);
    tell({mount->get()}, "", overlayfs);
    ASSERT_EQ(ours, overlayfs) << round;
    length += ours.size();
  }
  EXPECT_GT(length, 1000U);
}

TEST_F(MergedDirs, OnlyLayersThatShowAreAskedBelow) {
  for (const char* name : {"top", "file", "hidden"}) add_layer(name);
  ASSERT_TRUE(make_dirs(layers_[0], "d", 0755));
  ASSERT_TRUE(write_file(layers_[1], "d", "", 0644));
  ASSERT_TRUE(make_dirs(layers_[2], "d", 0755));
  auto dir = MergedDir::open(layers_, "d");
  ASSERT_TRUE(dir);
  EXPECT_EQ(dir->layers(), MergedDir::Layers{layers_[0]});
  auto none = MergedDir::open(layers_, "absent");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->layers().empty());
}

TEST_F(MergedDirs, ALinkIsNotFollowed) {
  int layer = add_layer("layer");
  ASSERT_TRUE(make_dirs(layer, "real", 0755));
  ASSERT_TRUE(write_file(layer, "real/file", "", 0644));
  ASSERT_EQ(::symlinkat("real", layer, "link"), 0);
  auto dir = MergedDir::open(layers_, "link");
  ASSERT_TRUE(dir);
  EXPECT_TRUE(dir->layers().empty());
}

TEST_F(MergedDirs, AMovedDirectoryIsLeftToOverlayfs) {
  int layer = add_layer("layer");
  ASSERT_TRUE(make_dirs(layer, "d", 0755));
  ASSERT_TRUE(set_xattr(layer, "d", "trusted.overlay.redirect", "/before"));
  auto dir = MergedDir::open(layers_, "d");
  ASSERT_FALSE(dir);
  EXPECT_EQ(dir.error().code(), ErrorCode::Unsupported);
  EXPECT_EQ(dir.error().message(), "d: moved by overlayfs");
}

}  // namespace
}  // namespace strata
