#include "runtime/k8s_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/io.h"

namespace strata {
namespace {

/// One file, opened twice: a reader at its end may go on when it has grown.
class K8sLog : public testing::Test {
 protected:
  void SetUp() override {
    writer_ = UniqueFd(::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_TRUE(writer_);
    auto log = open_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", writer_.get()), O_RDONLY);
    ASSERT_TRUE(log);
    reader_.emplace(*std::move(log));
  }
  void append(std::string_view text) { ASSERT_TRUE(write_all(writer_.get(), text)); }
  /// "out:text", "-" for nothing yet, or the error.
  std::string next() {
    auto record = reader_->next();
    if (!record) return record.error().message();
    if (!*record) return "-";
    time_ = (*record)->time.str();
    return ((*record)->stream == LogRecord::Stream::Stdout ? "out:" : "err:") + (*record)->bytes;
  }

  std::optional<K8sLogReader> reader_;
  UniqueFd writer_;
  std::string time_;
};

TEST_F(K8sLog, PartialLinesComeWithoutTheNewline) {
  append(
      "2026-11-24T23:32:29.587726473+00:00 stdout P abc\n"
      "2026-11-24T23:32:29.888628405+00:00 stdout F \n"
      "2026-11-24T23:32:29.888650367+01:00 stderr F two words\n"
      "2026-11-24T23:32:29.888628405+00:00 stdout P tail\n");
  EXPECT_EQ(next(), "out:abc");
  EXPECT_EQ(time_, "2026-11-24T23:32:29.587726473Z");
  EXPECT_EQ(next(), "out:\n");
  EXPECT_EQ(next(), "err:two words\n");
  EXPECT_EQ(time_, "2026-11-24T22:32:29.888650367Z");
  EXPECT_EQ(next(), "out:tail");
  EXPECT_EQ(next(), "-");
}

TEST_F(K8sLog, WaitsForTheRestOfALine) {
  EXPECT_EQ(next(), "-");
  append("2026-11-24T23:32:29.5+00:00 std");
  EXPECT_EQ(next(), "-");
  append("out F x");
  EXPECT_EQ(next(), "-");
  append("y\n2026");
  EXPECT_EQ(next(), "out:xy\n");
  EXPECT_EQ(next(), "-");
}

TEST_F(K8sLog, KeepsBytesAsTheyAre) {
  append("2026-11-24T23:32:29.5+00:00 stdout F ");
  append(std::string_view("\0\xff\r", 3));
  append("\n");
  EXPECT_EQ(next(), std::string("out:\0\xff\r\n", 8));
}

TEST_F(K8sLog, BadLinesAreReportedAndPassedOver) {
  append("junk\n2026-11-24T23:32:29Z stdin F x\n2026-11-24T23:32:29Z stdout X x\n");
  append(std::string(std::size_t{3} << 20, 'x') + "\n2026-11-24T23:32:29Z stdout F good\n");
  EXPECT_TRUE(next().starts_with("log line: "));
  EXPECT_EQ(next(), "log line names no stream");
  EXPECT_EQ(next(), "log line has no F or P");
  EXPECT_EQ(next(), "log line is longer than 1 MiB");
  EXPECT_EQ(next(), "out:good\n");
  EXPECT_EQ(next(), "-");
}

}  // namespace
}  // namespace strata
