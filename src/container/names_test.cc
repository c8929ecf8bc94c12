#include "container/names.h"

#include <gtest/gtest.h>

#include <set>

namespace strata {
namespace {

struct NameCase {
  const char* name;
  const char* text;
  bool is_valid;
};
class ContainerName : public testing::TestWithParam<NameCase> {};

TEST_P(ContainerName, FollowsDockersRule) {
  auto result = check_container_name(GetParam().text);
  EXPECT_EQ(result.has_value(), GetParam().is_valid);
  if (!result) {
    EXPECT_EQ(result.error().message(),
              fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                          GetParam().text));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ContainerName,
    testing::Values(NameCase{"Plain", "web", true}, NameCase{"AllKinds", "a0_.-Z", true},
                    NameCase{"OneCharacter", "a", false}, NameCase{"Empty", "", false},
                    NameCase{"LeadingDot", ".web", false}, NameCase{"Slash", "a/b", false},
                    NameCase{"Blank", "a b", false}, NameCase{"NotAscii", "caf\xc3\xa9", false}),
    [](const auto& c) { return std::string(c.param.name); });

TEST(RandomContainerName, IsValidAndVaries) {
  std::set<std::string> names;
  for (int i = 0; i < 100; i++) {
    auto name = random_container_name(i % 2 == 1);
    EXPECT_TRUE(check_container_name(name)) << name;
    EXPECT_NE(name.find('_'), std::string::npos);
    names.insert(name);
  }
  EXPECT_GT(names.size(), 90U);
}

}  // namespace
}  // namespace strata
