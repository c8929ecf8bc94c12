#include "base/io.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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

using ListDirTest = MakeDirsTest;

TEST_F(ListDirTest, NamesAreSortedAsBytesHoweverManyThereAre) {
  std::vector<std::string> names;
  for (int i = 0; i < 2000; i++) names.push_back(std::to_string(i) + std::string(40, 'n'));
  names.push_back("\xff");
  for (const auto& name : names) std::ofstream(path_ + "/" + name) << "x";
  std::sort(names.begin(), names.end());
  for (int again = 0; again < 2; again++) EXPECT_EQ(*list_dir(dir_.get()), names);
  ASSERT_TRUE(make_dirs(dir_.get(), "~below/one", 0700));
  EXPECT_EQ(*list_dir(dir_.get(), "~below"), std::vector<std::string>{"one"});
  EXPECT_EQ(list_dir(dir_.get(), "absent").error().code(), ErrorCode::NotFound);
}

TEST_F(ListDirTest, EntriesSayWhatIsADirectory) {
  ASSERT_TRUE(make_dirs(dir_.get(), "directory", 0700));
  std::ofstream(path_ + "/file") << "x";
  fs::create_symlink("directory", path_ + "/link");
  auto entries = read_entries(dir_.get());
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "directory");
  EXPECT_TRUE((*entries)[0].is_directory);
  EXPECT_FALSE((*entries)[1].is_directory);
  EXPECT_FALSE((*entries)[2].is_directory) << "of a link";
}

}  // namespace
}  // namespace strata
