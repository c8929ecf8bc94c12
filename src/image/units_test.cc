#include "image/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace strata {
namespace {

TEST(HumanSize, IsWrittenAsGoUnitsDoes) {
  const std::tuple<std::int64_t, const char*, const char*> cases[] = {
      {0, "0B", "0B"},
      {999, "999B", "999B"},
      {1000, "1kB", "1kB"},
      {2048, "2.048kB", "2.05kB"},
      {999'999, "1000kB", "1e+03kB"},
      {1'000'000, "1MB", "1MB"},
      {38'123'456, "38.12MB", "38.1MB"},
      {124'800'000, "124.8MB", "125MB"},
      {1'230'000'000, "1.23GB", "1.23GB"},
      {std::numeric_limits<std::int64_t>::max(), "9.223EB", "9.22EB"},
      {-1, "-1B", "-1B"},
  };
  for (const auto& [bytes, four, three] : cases) {
    EXPECT_EQ(human_size(bytes), four);
    EXPECT_EQ(human_size(bytes, 3), three);
  }
}

TEST(HumanDuration, IsAsCoarseAsDockers) {
  constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;
  const std::pair<std::int64_t, const char*> cases[] = {
      {-5, "Less than a second"},
      {0, "Less than a second"},
      {1, "1 second"},
      {59, "59 seconds"},
      {60, "About a minute"},
      {119, "About a minute"},
      {120, "2 minutes"},
      {59 * 60 + 59, "59 minutes"},
      {kHour, "About an hour"},
      {kHour + 1799, "About an hour"},
      {kHour + 1800, "2 hours"},
      {47 * kHour, "47 hours"},
      {48 * kHour, "2 days"},
      {13 * kDay, "13 days"},
      {14 * kDay, "2 weeks"},
      {59 * kDay, "8 weeks"},
      {60 * kDay, "2 months"},
      {729 * kDay, "24 months"},
      {730 * kDay, "2 years"},
      {std::int64_t{2025} * 365 * kDay, "292 years"},
  };
  for (const auto& [seconds, text] : cases) EXPECT_EQ(human_duration(seconds), text) << seconds;
}

TEST(RamSize, IsReadInPowersOf1024) {
  const std::pair<const char*, std::int64_t> good[] = {
      {"0", 0},           {"32", 32},           {"32b", 32},         {"32k", 32 << 10},
      {"32KB", 32 << 10}, {"32 kib", 32 << 10}, {"512m", 512 << 20}, {"1.5g", 3LL << 29},
      {"1t", 1LL << 40},  {"1P", 1LL << 50},    {"007", 7},
  };
  for (const auto& [text, bytes] : good) {
    auto n = parse_ram_size(text);
    ASSERT_TRUE(n) << text;
    EXPECT_EQ(*n, bytes) << text;
  }
  for (const char* text : {"", "hello", "-32", "1 0", " 32", "32m ", "32mm", "1..5", ".5", "5.",
                           "1.2.3", "32  k", "32bk", "1e3", "9999999p", "0x10", "inf"}) {
    auto n = parse_ram_size(text);
    ASSERT_FALSE(n) << text;
    EXPECT_EQ(n.error().message(), "invalid size: '" + std::string(text) + "'");
  }
}

TEST(GoDuration, IsRead) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"0", 0},
      {"5s", 5'000'000'000},
      {"+5s", 5'000'000'000},
      {"-5s", -5'000'000'000},
      {"-0", 0},
      {"5.0s", 5'000'000'000},
      {".5s", 500'000'000},
      {"5.s", 5'000'000'000},
      {"1.004s", 1'004'000'000},
      {"10ns", 10},
      {"11us", 11'000},
      {"12\xC2\xB5s", 12'000},
      {"12\xCE\xBCs", 12'000},
      {"13ms", 13'000'000},
      {"1h5m", 3'900'000'000'000},
      {"-2m3.4s", -123'400'000'000},
      {"52763797000ns", 52'763'797'000},
      {"0.3333333333333333333h", 1'200'000'000'000},
      {"9223372036854775807ns", std::numeric_limits<std::int64_t>::max()},
      {"-9223372036854775808ns", std::numeric_limits<std::int64_t>::min()},
      {"0.100000000000000000000h", 360'000'000'000},
  };
  for (const auto& [text, ns] : cases) {
    auto d = parse_go_duration(text);
    ASSERT_TRUE(d) << text << ": " << d.error().message();
    EXPECT_EQ(*d, ns) << text;
  }
}

TEST(GoDuration, IsRefusedWithGosText) {
  const std::pair<const char*, const char*> cases[] = {
      {"", R"(time: invalid duration "")"},
      {"3", R"(time: missing unit in duration "3")"},
      {"-", R"(time: invalid duration "-")"},
      {"s", R"(time: invalid duration "s")"},
      {".", R"(time: invalid duration ".")"},
      {"-.s", R"(time: invalid duration "-.s")"},
      {"1x", R"(time: unknown unit "x" in duration "1x")"},
      {"1h 5m", R"(time: unknown unit "h " in duration "1h 5m")"},
      {"9223372036854775808ns", R"(time: invalid duration "9223372036854775808ns")"},
      {"3000000h", R"(time: invalid duration "3000000h")"},
      {"99999999999999999999s", R"(time: invalid duration "99999999999999999999s")"},
      {"2562047h48m", R"(time: invalid duration "2562047h48m")"},
  };
  for (const auto& [text, message] : cases) {
    auto d = parse_go_duration(text);
    ASSERT_FALSE(d) << text;
    EXPECT_EQ(d.error().message(), message);
  }
}

TEST(GoDuration, IsWritten) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "0s"},
      {1, "1ns"},
      {1'100, "1.1\xC2\xB5s"},
      {2'200'000, "2.2ms"},
      {3'300'000'000, "3.3s"},
      {245'000'000'000, "4m5s"},
      {245'001'000'000, "4m5.001s"},
      {18'367'001'000'000, "5h6m7.001s"},
      {3'600'000'000'000, "1h0m0s"},
      {480'000'000'001, "8m0.000000001s"},
      {-1'500'000'000, "-1.5s"},
      {std::numeric_limits<std::int64_t>::max(), "2562047h47m16.854775807s"},
      {std::numeric_limits<std::int64_t>::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [ns, text] : cases) EXPECT_EQ(go_duration(ns), text);
}

TEST(GoDuration, WhatIsWrittenReadsBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; i++) {
    // Below 2^52 no fraction of a unit loses a digit in Go's double arithmetic.
    const auto ns = static_cast<std::int64_t>(random() >> (12 + i % 52));
    const std::string text = go_duration(i % 2 == 0 ? ns : -ns);
    auto back = parse_go_duration(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(go_duration(*back), text);
  }
}

}  // namespace
}  // namespace strata
