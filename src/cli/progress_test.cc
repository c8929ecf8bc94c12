#include "cli/progress.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "base/process.h"

namespace strata::cli {
namespace {

/// A terminal of 20 columns, and the environment that a progress line looks at.
class ProgressTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    winsize size = {};
    size.ws_row = 5;
    size.ws_col = 20;
    int master = -1;
    int slave = -1;
    ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, &size), 0);
    screen_ = UniqueFd(master);
    terminal_ = UniqueFd(slave);
  }
  void TearDown() override {
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
  }
  std::string written() {
    terminal_ = UniqueFd();
    // A terminal hands its bytes on in pieces, and ends with EIO once its other side is closed.
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::read(screen_.get(), piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(n));
    return all;
  }
  Progress::Clock clock() {
    return
        [this] { return std::chrono::steady_clock::time_point(std::chrono::milliseconds(now_)); };
  }

  UniqueFd screen_;
  UniqueFd terminal_;
  std::atomic<int> now_ = 1000;
};

TEST_F(ProgressTest, RewritesOneLineTenTimesASecondAtMost) {
  {
    Progress progress(terminal_.get(), clock());
    ASSERT_TRUE(progress.active());
    progress.update([] { return std::string("one"); });
    progress.update([] {
      ADD_FAILURE() << "made too early";
      return std::string();
    });
    now_ = 1100;
    progress.update([] { return std::string("two\nlines, and far too long for it"); });
  }
  EXPECT_EQ(written(), "\r\x1b[Kone\r\x1b[Ktwolines, and far t\r\x1b[K");
}

TEST_F(ProgressTest, ComesBackAtOnceAfterClear) {
  Progress progress(terminal_.get(), clock());
  progress.update([] { return std::string("a"); });
  progress.clear();
  progress.clear();
  progress.update([] { return std::string("b"); });
  progress.clear();
  EXPECT_EQ(written(), "\r\x1b[Ka\r\x1b[K\r\x1b[Kb\r\x1b[K");
}

TEST_F(ProgressTest, IsDimmedWhereColoursAreWelcome) {
  unsetenv("NO_COLOR");
  Progress progress(terminal_.get(), clock());
  progress.update([] { return std::string("a"); });
  EXPECT_EQ(written(), "\r\x1b[K\x1b[2ma\x1b[0m");
}

TEST_F(ProgressTest, IsSilentOnADumbTerminalAndElsewhere) {
  const auto never = [] {
    ADD_FAILURE() << "called";
    return std::string();
  };
  setenv("TERM", "dumb", 1);
  Progress dumb(terminal_.get(), clock());
  dumb.update(never);
  setenv("TERM", "xterm", 1);
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  Progress piped(pipe->write.get(), clock());
  piped.update(never);
  EXPECT_FALSE(dumb.active());
  EXPECT_FALSE(piped.active());
}

TEST_F(ProgressTest, ManyThreadsShareIt) {
  Progress progress(terminal_.get(), clock());
  std::atomic<int> shown = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; n++) {
        progress.update([&] {
          shown++;
          return std::string("x");
        });
      }
    });
  }
  threads.clear();
  EXPECT_EQ(shown, 1);
}

}  // namespace
}  // namespace strata::cli
