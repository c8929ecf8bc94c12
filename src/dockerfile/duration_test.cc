#include "dockerfile/duration.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::dockerfile {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Duration, ReadsWhatGoReads) {
  struct Case {
    std::string text;
    std::int64_t ns;
  };
  for (const Case& c : std::vector<Case>{
           {"0", 0},
           {"5s", 5 * kSecond},
           {"30s", 30 * kSecond},
           {"1h5m", 3900 * kSecond},
           {"500ms", kSecond / 2},
           {"1.5s", 3 * kSecond / 2},
           {".5s", kSecond / 2},
           {"5.s", 5 * kSecond},
           {"+5s", 5 * kSecond},
           {"-2us", -2'000},
           {"3\xC2\xB5s", 3'000},
           {"3\xCE\xBCs", 3'000},
           {"1h2m3s4ms5us6ns", 3'723'004'005'006},
           {"0.3333333333333333333h", 1'200 * kSecond},
           {"9223372036854775807ns", INT64_MAX},
           {"-9223372036854775808ns", INT64_MIN},
       }) {
    auto ns = parse_duration(c.text);
    ASSERT_TRUE(ns) << c.text << ": " << ns.error().message();
    EXPECT_EQ(*ns, c.ns) << c.text;
  }
}

TEST(Duration, RefusesWithGosWords) {
  struct Case {
    std::string text;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"", R"(time: invalid duration "")"},
           {"x", R"(time: invalid duration "x")"},
           {"-", R"(time: invalid duration "-")"},
           {".s", R"(time: invalid duration ".s")"},
           {"1", R"(time: missing unit in duration "1")"},
           {"1m3", R"(time: missing unit in duration "1m3")"},
           {"1d", R"(time: unknown unit "d" in duration "1d")"},
           {"1\xC3\xA9", R"(time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9")"},
           {"9223372036854775808ns", R"(time: invalid duration "9223372036854775808ns")"},
           {"99999999999999999999h", R"(time: invalid duration "99999999999999999999h")"},
           {"3000000h", R"(time: invalid duration "3000000h")"},
       }) {
    auto ns = parse_duration(c.text);
    ASSERT_FALSE(ns) << c.text;
    EXPECT_EQ(ns.error().message(), c.message);
    EXPECT_EQ(ns.error().code(), ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace strata::dockerfile
