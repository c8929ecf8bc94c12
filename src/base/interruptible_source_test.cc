#include "base/interruptible_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <thread>

namespace strata {
namespace {

TEST(InterruptibleSourceTest, GivesBytesAndGivesUpOnASilentPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  std::stop_source stop;
  InterruptibleSource source(out.get(), stop.get_token());
  std::array<char, 16> buffer{};
  ASSERT_EQ(::write(in.get(), "abc", 3), 3);
  auto n = source.read(buffer);
  ASSERT_TRUE(n);
  EXPECT_EQ(std::string_view(buffer.data(), *n), "abc");

  std::jthread user([&] { stop.request_stop(); });
  auto silent = source.read(buffer);  // nobody writes
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), ErrorCode::Cancelled);
}

}  // namespace
}  // namespace strata
