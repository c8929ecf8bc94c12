#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace strata {
namespace {

TEST(ForEachIndex, CallsEachOnceWithAnyNumberOfThreads) {
  for (std::size_t threads : {0U, 1U, 3U, 100U}) {
    std::vector<std::atomic<int>> calls(50);
    auto done = for_each_index(calls.size(), threads, [&](std::size_t i) -> Result<void> {
      calls[i]++;
      return {};
    });
    EXPECT_TRUE(done);
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
}

TEST(ForEachIndex, TheFirstErrorEndsItAndIsToldOnce) {
  std::atomic<bool> is_over = false;
  std::atomic<int> told = 0;
  std::atomic<int> begun = 0;
  auto done = for_each_index(
      1000, 3,
      [&](std::size_t i) -> Result<void> {
        begun++;
        if (i == 0) return Error(ErrorCode::Corrupt, "first");
        is_over.wait(false);  // what on_error ends
        return Error(ErrorCode::Cancelled, "second");
      },
      [&] {
        told++;
        is_over = true;
        is_over.notify_all();
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "first");
  EXPECT_EQ(told, 1);
  EXPECT_LE(begun, 3);
}

}  // namespace
}  // namespace strata
