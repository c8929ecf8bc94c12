#include "build/epoch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata::build {
namespace {

TEST(Epoch, IsANumberOfSeconds) {
  EXPECT_EQ(*parse_epoch(""), std::nullopt);
  EXPECT_EQ(*parse_epoch("0"), (Time{0, 0}));
  EXPECT_EQ(*parse_epoch("1700000000"), (Time{1700000000, 0}));
  EXPECT_EQ(*parse_epoch("253402300799"), (Time{253402300799, 0}));
  for (const char* text : {"x", "-1", "1.5", " 1", "1 ", "+1", "0x10", "253402300800", "1e9",
                           "99999999999999999999999"}) {
    auto time = parse_epoch(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().message(), "SOURCE_DATE_EPOCH \"" + std::string(text) +
                                          "\": not a number of seconds since 1970");
  }
}

TEST(Epoch, ClampsWhatIsNewer) {
  TestDir dir("epoch-test-");
  ASSERT_TRUE(make_dirs(dir.fd(), "d", 0755));
  for (const char* name : {"old", "d/new", "d/fraction"})
    ASSERT_TRUE(write_file(dir.fd(), name, "", 0644));
  ASSERT_EQ(::symlinkat("nowhere", dir.fd(), "link"), 0);
  auto set = [&](const char* name, time_t seconds, long nanoseconds) {
    timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    ASSERT_EQ(::utimensat(dir.fd(), name, times, AT_SYMLINK_NOFOLLOW), 0);
  };
  set("old", 5, 7);
  set("d/fraction", 1000, 1);
  ASSERT_TRUE(clamp_times(dir.fd(), Time{1000, 0}));
  auto mtime = [&](const char* name) {
    auto st = *stat_at(dir.fd(), name);
    return std::pair<time_t, long>(st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  };
  EXPECT_EQ(mtime("old"), std::pair(time_t{5}, 7L));
  for (const char* name : {"d", "d/new", "d/fraction", "link"})
    EXPECT_EQ(mtime(name), std::pair(time_t{1000}, 0L)) << name;
}

}  // namespace
}  // namespace strata::build
