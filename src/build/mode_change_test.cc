#include "build/mode_change.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

namespace strata::build {
namespace {

struct ModeCase {
  const char* text;
  mode_t before;
  mode_t after;
};

class ModeChangeTest : public ::testing::TestWithParam<ModeCase> {};

TEST_P(ModeChangeTest, ChangesLikeChmod) {
  const auto& c = GetParam();
  auto change = ModeChange::parse(c.text);
  ASSERT_TRUE(change) << change.error().message();
  EXPECT_EQ(change->apply(c.before), c.after);
}

INSTANTIATE_TEST_SUITE_P(
    Modes, ModeChangeTest,
    ::testing::Values(
        ModeCase{"644", S_IFREG | 0755, 0644}, ModeCase{"04755", S_IFREG | 0, 04755},
        ModeCase{"0", S_IFREG | 0777, 0}, ModeCase{"u=rwX,go=rX", S_IFREG | 0600, 0644},
        ModeCase{"u=rwX,go=rX", S_IFREG | 0700, 0755},
        ModeCase{"u=rwX,go=rX", S_IFDIR | 0600, 0755}, ModeCase{"+x", S_IFREG | 0644, 0755},
        ModeCase{"go-w", S_IFREG | 0666, 0644}, ModeCase{"a-rwx,u+r", S_IFREG | 0777, 0400},
        ModeCase{"u+s", S_IFREG | 0755, 04755}, ModeCase{"g+s", S_IFDIR | 0755, 02755},
        ModeCase{"+t", S_IFDIR | 0777, 01777}, ModeCase{"u-x+w", S_IFREG | 0500, 0600},
        ModeCase{"o=", S_IFREG | 0777, 0770}));

TEST(ModeChange, RefusesWhatIsNoMode) {
  for (const char* text :
       {"", "99999", "8", "644x", "rwx", "u", "u=q", "u=r,", ",", "x=r", "10000"}) {
    auto change = ModeChange::parse(text);
    ASSERT_FALSE(change) << text;
    EXPECT_EQ(change.error().message(), std::string("invalid chmod parameter: '") + text +
                                            "'. it should be octal string and between 0 and 07777");
  }
}

}  // namespace
}  // namespace strata::build
