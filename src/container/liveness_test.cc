#include "container/liveness.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "base/test_dir.h"
#include "container/json_log.h"

namespace strata {
namespace {

const std::string kContainer = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class Liveness : public testing::Test {
 protected:
  Liveness() : store_(*Store::open(dir_.path() + "/root", Store::Access::Write)) {
    EXPECT_TRUE(make_dirs(store_->containers_dir(), kContainer, 0710));
    EXPECT_TRUE(make_dirs(store_->own_dir(), run_files(*store_, kContainer).name + "/exit", 0700));
  }

  static Process sleeper() {
    Command command;
    command.argv = {"sleep", "1000"};
    return *Process::start(command);
  }
  /// Recorded as running with this process.
  ContainerRecord running(int pid) {
    ContainerRecord record;
    record.id = kContainer;
    record.name = "/web";
    record.path = "true";
    record.created = Time::now();
    record.state.running = true;
    record.state.pid = pid;
    record.state.started_at = Time::now();
    EXPECT_TRUE(save_container(*store_, record));
    return record;
  }
  bool has_run_files() { return stat_at(AT_FDCWD, run_files(*store_, kContainer).dir).has_value(); }

  TestDir dir_{"strata-live-"};
  std::unique_ptr<Store> store_;
};

TEST_F(Liveness, ALiveProcessIsRunning) {
  auto process = sleeper();
  ASSERT_TRUE(remember_process(*store_, kContainer, process.pid()));
  auto record = running(process.pid());
  EXPECT_TRUE(open_process(*store_, record));
  EXPECT_TRUE(is_running(*store_, record));
  EXPECT_TRUE(settle_container(*store_, kContainer)->state.running);
  EXPECT_TRUE(has_run_files());
}

TEST_F(Liveness, AnotherProcessWithTheSameNumberIsNotTheContainer) {
  auto process = sleeper();
  ASSERT_TRUE(write_file(store_->own_dir(), run_files(*store_, kContainer).name + "/process",
                         fmt::format("{} 12\n", process.pid()), 0600));
  auto record = running(process.pid());
  EXPECT_FALSE(open_process(*store_, record));
  EXPECT_FALSE(settle_container(*store_, kContainer)->state.running);
}

TEST_F(Liveness, AZombieIsNotRunning) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(open_process(*store_, running(pid)));
  ::waitpid(pid, nullptr, 0);
}

TEST_F(Liveness, ACrashedRunIsRecordedAsKilled) {
  running(1 << 30);
  auto record = *settle_container(*store_, kContainer);
  EXPECT_FALSE(record.state.running);
  EXPECT_EQ(record.state.pid, 0);
  EXPECT_EQ(record.state.exit_code, 137);
  EXPECT_FALSE(record.state.finished_at.is_zero());
  EXPECT_EQ(load_container(*store_, kContainer)->state, record.state);
  EXPECT_FALSE(has_run_files());
}

TEST_F(Liveness, TheExitCodeAndLogThatConmonLeftAreUsed) {
  running(1 << 30);
  auto files = run_files(*store_, kContainer);
  ASSERT_TRUE(write_file(AT_FDCWD, files.exit_dir + "/" + kContainer, "3", 0600));
  ASSERT_TRUE(
      write_file(AT_FDCWD, files.console_log, "2026-11-24T20:15:42.5+00:00 stdout F said\n", 0600));
  EXPECT_EQ(settle_container(*store_, kContainer)->state.exit_code, 3);
  auto log = read_file(store_->containers_dir(), kContainer + "/" + kContainer + "-json.log");
  ASSERT_TRUE(log);
  EXPECT_EQ(*log,
            "{\"log\":\"said\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T20:15:42.5Z\"}\n");
}

TEST_F(Liveness, ARunWithAnOwnerIsLeftToIt) {
  running(1 << 30);
  auto owner = *hold_run(*store_, kContainer);
  EXPECT_TRUE(is_supervised(*store_, kContainer));
  EXPECT_TRUE(settle_container(*store_, kContainer)->state.running);
  { auto ended = std::move(owner); }
  EXPECT_FALSE(is_supervised(*store_, kContainer));
  EXPECT_FALSE(settle_container(*store_, kContainer)->state.running);
}

TEST_F(Liveness, APidFileOfAnotherProcessIsNoConmon) {
  auto process = sleeper();
  ASSERT_TRUE(write_file(AT_FDCWD, run_files(*store_, kContainer).conmon_pid,
                         std::to_string(process.pid()), 0600));
  EXPECT_FALSE(is_supervised(*store_, kContainer));
}

TEST_F(Liveness, AStartThatCrashedLeavesNothing) {
  auto record = running(0);
  record.state.running = false;
  record.state.exit_code = 4;  // of the run before
  ASSERT_TRUE(save_container(*store_, record));
  EXPECT_EQ(settle_container(*store_, kContainer)->state.exit_code, 4);
  EXPECT_FALSE(has_run_files());
}

}  // namespace
}  // namespace strata
