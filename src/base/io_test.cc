#include "base/io.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace strata {
namespace {

namespace fs = std::filesystem;

class MakeDirsTest : public testing::Test {
 protected:
  void SetUp() override {
    char t[] = "/tmp/strata-test-XXXXXX";
    path_ = ::mkdtemp(t);
    dir_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    umask_ = ::umask(077);
  }
  void TearDown() override {
    ::umask(umask_);
    fs::remove_all(path_);
  }
  mode_t mode_of(const std::string& name) const {
    struct stat st {};
    return ::stat((path_ + "/" + name).c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }
  std::string path_;
  UniqueFd dir_;
  mode_t umask_ = 0;
};

TEST_F(MakeDirsTest, MakesWhatIsMissingWithExactlyThatMode) {
  ASSERT_TRUE(make_dirs(dir_.get(), "a", 0700));
  ASSERT_TRUE(make_dirs(dir_.get(), "a/b/c", 0755));
  EXPECT_EQ(mode_of("a"), 0700U) << "what was there stays as it is";
  EXPECT_EQ(mode_of("a/b"), 0755U);
  EXPECT_EQ(mode_of("a/b/c"), 0755U);
  EXPECT_TRUE(make_dirs(dir_.get(), "a/b/c", 0700));
  EXPECT_EQ(mode_of("a/b/c"), 0755U);
  EXPECT_TRUE(make_dirs(AT_FDCWD, path_ + "/x/y", 0711));
  EXPECT_EQ(mode_of("x/y"), 0711U);
}

TEST_F(MakeDirsTest, AFileInTheWayIsNamed) {
  std::ofstream(path_ + "/file") << "x";
  auto made = make_dirs(dir_.get(), "file/below", 0755);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "mkdir file/below: not a directory");
}

}  // namespace
}  // namespace strata
