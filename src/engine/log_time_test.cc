#include "engine/log_time.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

struct TimeCase {
  const char* name;
  const char* text;
  const char* expected;  // "": refused
};

class LogTime : public testing::TestWithParam<TimeCase> {};

TEST_P(LogTime, TakesWhatDockerTakes) {
  auto now = *Time::parse("2026-11-24T20:00:00.25Z");
  auto time = parse_log_time(GetParam().text, now);
  EXPECT_EQ(time ? time->str() : "", GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Cases, LogTime,
                         testing::ValuesIn(std::vector<TimeCase>{
                             {"Rfc3339", "2026-11-24T20:15:42.5+01:00", "2026-11-24T19:15:42.5Z"},
                             {"NoZone", "2026-11-24T20:15:42", "2026-11-24T20:15:42Z"},
                             {"NoSeconds", "2026-11-24T20:15", "2026-11-24T20:15:00Z"},
                             {"DateAlone", "2026-11-24", "2026-11-24T00:00:00Z"},
                             {"Seconds", "1000000000", "2001-09-09T01:46:40Z"},
                             {"SecondsWithFraction", "1000000000.5", "2001-09-09T01:46:40.5Z"},
                             {"Duration", "1h30m", "2026-11-24T18:30:00.25Z"},
                             {"DurationWithFraction", "1.5s", "2026-11-24T19:59:58.75Z"},
                             {"Milliseconds", "250ms", "2026-11-24T20:00:00Z"},
                             {"Nothing", "", ""},
                             {"Words", "yesterday", ""},
                             {"UnknownUnit", "3d", ""},
                             {"TooLarge", "99999999999999999999", ""},
                             {"TooLargeDuration", "9000000000h9000000000h", ""},
                         }),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(Age, IsADurationOrDays) {
  auto now = *Time::parse("2026-11-24T20:00:00.25Z");
  auto age = [&](const char* text) {
    auto time = parse_age(text, now);
    return time ? time->str() : time.error().message();
  };
  EXPECT_EQ(age("1h30m"), "2026-11-24T18:30:00.25Z");
  EXPECT_EQ(age("30d"), "2026-10-25T20:00:00.25Z");
  EXPECT_EQ(age("1.5d"), "2026-11-23T08:00:00.25Z");
  for (const char* text : {"", "d", "30", "yesterday", "-1h", "1d2h", "9000000000d", "2026-11-24"})
    EXPECT_NE(age(text).find("use hours or days"), std::string::npos) << text;
}

}  // namespace
}  // namespace strata
