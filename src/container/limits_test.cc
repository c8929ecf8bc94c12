#include "container/limits.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

std::string refusal(const ResourceLimits& limits, std::int64_t nano_cpus = 0,
                    LimitsFor use = LimitsFor::Update) {
  auto checked = check_limits(limits, nano_cpus, use);
  return checked ? "" : checked.error().message();
}

// The texts are those of dockerd 20.10.
TEST(CheckLimits, RefusesWhatCannotBe) {
  constexpr std::int64_t kMiB = 1 << 20;
  ResourceLimits l;
  EXPECT_EQ(refusal(l), "");
  l.memory = 6 * kMiB;
  EXPECT_EQ(refusal(l), "");
  l.memory_swap = 5 * kMiB;
  EXPECT_EQ(refusal(l), "Minimum memoryswap limit should be larger than memory limit, see usage");
  l.memory_swap = -1;
  l.memory_reservation = 7 * kMiB;
  EXPECT_EQ(refusal(l),
            "Minimum memory limit can not be less than memory reservation limit, see usage");
  l.memory_reservation = 1;
  EXPECT_EQ(refusal(l), "Minimum memory reservation allowed is 6MB");
  l.memory = 6 * kMiB - 1;
  EXPECT_EQ(refusal(l), "Minimum memory limit allowed is 6MB");
}

TEST(CheckLimits, SwapAloneIsForAContainerThatHasMemoryAlready) {
  ResourceLimits l;
  l.memory_swap = 100 << 20;
  EXPECT_EQ(refusal(l), "");
  EXPECT_EQ(refusal(l, 0, LimitsFor::NewContainer),
            "You should always set the Memory limit when using Memoryswap limit, see usage");
}

TEST(CheckLimits, OfCpus) {
  ResourceLimits l;
  EXPECT_EQ(refusal(l, 10'000'000), "");
  EXPECT_NE(refusal(l, -1), "");
  EXPECT_NE(refusal(l, std::int64_t{1'000'000} * 1'000'000'000), "");
  l.cpu_period = 999;
  EXPECT_EQ(refusal(l),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  EXPECT_EQ(refusal(l, 10'000'000),
            "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  l.cpu_period.reset();
  l.cpu_quota = 10;
  EXPECT_EQ(refusal(l), "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  EXPECT_EQ(refusal(l, 10'000'000),
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  l.cpu_quota = -1;
  EXPECT_EQ(refusal(l, 10'000'000), "");
  l.block_weight = 5;
  EXPECT_EQ(refusal(l), "Range of blkio weight is from 10 to 1000");
}

TEST(Cpuset, ListsAreReadAsDockerdReadsThem) {
  struct Case {
    const char* asked;
    const char* available;
    const char* answer;
  };
  for (const auto& c :
       std::vector<Case>{{"0", "0-1", "yes"},
                         {"0-1", "0-1", "yes"},
                         {"1,0", "0,1", "yes"},
                         {"", "0", "yes"},
                         {"2", "0-1", "no"},
                         {"0-9", "0-1", "no"},
                         {"x", "0", "invalid format: x"},
                         {"0,", "0", "invalid format: 0,"},
                         {"1-0", "0-1", "invalid format: 1-0"},
                         {"-1", "0-1", "invalid format: -1"},
                         {" 0", "0-1", "invalid format:  0"},
                         {"8193", "0", "value of out range, maximum is 8192"},
                         {"99999999999", "0", "value of out range, maximum is 8192"},
                         {"99999999999999999999", "0", "invalid format: 99999999999999999999"}}) {
    auto found = is_in_cpuset(c.asked, c.available);
    EXPECT_EQ(found ? (*found ? "yes" : "no") : found.error().message(), c.answer) << c.asked;
  }
}

TEST(CpuQuota, StandsForCpus) {
  ResourceLimits none;
  EXPECT_EQ(with_cpu_quota(none, 0), none);
  auto half = with_cpu_quota(none, 500'000'000);
  EXPECT_EQ(half.cpu_period, 100'000);
  EXPECT_EQ(half.cpu_quota, 50'000);
}

}  // namespace
}  // namespace strata
