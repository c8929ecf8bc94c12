#include "build/layer_difference.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"
#include "base/text.h"

namespace strata::build {
namespace {

class LayerDifferences : public testing::Test {
 protected:
  static void set_time(int dir, const char* name, time_t seconds, long nanoseconds = 0) {
    timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    ASSERT_EQ(::utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW), 0);
  }
  /// The same tree in both.
  void SetUp() override {
    for (int dir : {a_.fd(), b_.fd()}) {
      ASSERT_TRUE(make_dirs(dir, "d", 0755));
      for (const char* name : {"x", "d/y"}) ASSERT_TRUE(write_file(dir, name, "same", 0644));
      ASSERT_EQ(::symlinkat("x", dir, "l"), 0);
      for (const char* name : {"x", "d/y", "l", "d"}) set_time(dir, name, 1000, dir);
    }
  }
  std::string found() {
    auto files = compare_layers(a_.fd(), b_.fd());
    EXPECT_TRUE(files);
    std::string text;
    for (const auto& file : *files) text += file.path + ": " + join(file.what, ", ") + "\n";
    return text;
  }

  TestDir a_{"difference-test-"};
  TestDir b_{"difference-test-"};
};

TEST_F(LayerDifferences, OfEqualTreesAreNone) { EXPECT_EQ(found(), ""); }

TEST_F(LayerDifferences, NameWhatDiffers) {
  ASSERT_TRUE(write_file(b_.fd(), "x", "else", 0644));
  set_time(b_.fd(), "x", 1000);
  EXPECT_EQ(found(), "/x: content\n");
  ASSERT_TRUE(write_file(b_.fd(), "x", "else and longer", 0600));
  set_time(b_.fd(), "x", 1001);
  EXPECT_EQ(found(), "/x: content, mode, mtime\n");
}

TEST_F(LayerDifferences, NameTypesTargetsAndNames) {
  ASSERT_EQ(::unlinkat(b_.fd(), "l", 0), 0);
  ASSERT_EQ(::symlinkat("y", b_.fd(), "l"), 0);
  set_time(b_.fd(), "l", 1000);
  ASSERT_EQ(::unlinkat(b_.fd(), "x", 0), 0);
  ASSERT_EQ(::mkdirat(b_.fd(), "x", 0755), 0);
  ASSERT_TRUE(write_file(b_.fd(), "d/new", "", 0644));
  ASSERT_EQ(::unlinkat(b_.fd(), "d/y", 0), 0);
  set_time(b_.fd(), "d", 1000);
  EXPECT_EQ(found(),
            "/d/new: only in the second build\n/d/y: only in the first build\n/l: target\n"
            "/x: type\n");
}

}  // namespace
}  // namespace strata::build
