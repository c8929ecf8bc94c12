#include "container/json_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata {
namespace {

using Stream = LogRecord::Stream;

class JsonLog : public testing::Test {
 protected:
  std::string text() { return *read_file(dir_.fd(), "c-json.log"); }
  UniqueFd log() { return *open_at(dir_.fd(), "c-json.log", O_RDONLY); }
  UniqueFd file(std::string_view content) {
    EXPECT_TRUE(write_file(dir_.fd(), "c-json.log", content, 0640));
    return log();
  }
  static std::vector<std::string> all(JsonLogReader reader) {
    std::vector<std::string> lines;
    while (auto record = *reader.next())
      lines.push_back((record->stream == Stream::Stdout ? "out " : "err ") + record->bytes);
    return lines;
  }

  TestDir dir_{"strata-log-"};
};

TEST_F(JsonLog, OneRecordIsOneLineAsDockerWritesIt) {
  LogRecord record{Stream::Stderr, {1795551342, 556451732}, "a <b> \"c\"\n"};
  EXPECT_EQ(encode_json_log(record),
            "{\"log\":\"a \\u003cb\\u003e \\\"c\\\"\\n\",\"stream\":\"stderr\","
            "\"time\":\"2026-11-24T20:15:42.556451732Z\"}\n");
}

TEST_F(JsonLog, LinesAreWrittenWhenTheyAreComplete) {
  auto writer = *JsonLogWriter::open(dir_.fd(), "c");
  ASSERT_TRUE(writer.write(Stream::Stdout, "one\ntw"));
  ASSERT_TRUE(writer.write(Stream::Stderr, "three\n"));
  EXPECT_EQ(all(JsonLogReader(log())), (std::vector<std::string>{"out one\n", "err three\n"}));
  ASSERT_TRUE(writer.write(Stream::Stdout, "o\nrest"));
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(all(JsonLogReader(log())),
            (std::vector<std::string>{"out one\n", "err three\n", "out two\n", "out rest"}));
  EXPECT_EQ(stat_at(dir_.fd(), "c-json.log")->st_mode & 07777U, 0640U);
}

TEST_F(JsonLog, LongLinesAreCutIntoRecords) {
  auto writer = *JsonLogWriter::open(dir_.fd(), "c");
  std::string line(JsonLogWriter::kMaxRecord + 10, 'x');
  ASSERT_TRUE(writer.write(Stream::Stdout, line + "\n"));
  auto records = all(JsonLogReader(log()));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].size(), JsonLogWriter::kMaxRecord + 4);
  EXPECT_EQ(records[1], "out xxxxxxxxxx\n");
}

TEST_F(JsonLog, DamagedLinesArePassedOver) {
  std::string good = encode_json_log({Stream::Stdout, {1, 0}, "good\n"});
  auto fd =
      file("{\"log\":\n" + good + std::string(3 << 20, 'x') + "\nnull\n{}\n" + good + "{\"log");
  EXPECT_EQ(all(JsonLogReader(std::move(fd))),
            (std::vector<std::string>{"out good\n", "out good\n"}));
}

TEST_F(JsonLog, AReaderGoesOnWhenTheFileGrows) {
  std::string good = encode_json_log({Stream::Stdout, {1, 0}, "good\n"});
  JsonLogReader reader(file(good.substr(0, 9)));
  EXPECT_FALSE(*reader.next());
  auto more = *open_at(dir_.fd(), "c-json.log", O_WRONLY | O_APPEND);
  ASSERT_TRUE(write_all(more.get(), good.substr(9)));
  EXPECT_TRUE(*reader.next());
  EXPECT_FALSE(*reader.next());
}

TEST_F(JsonLog, AReaderStopsAtItsLimit) {
  std::string good = encode_json_log({Stream::Stdout, {1, 0}, "good\n"});
  auto fd = file(good + good);
  EXPECT_EQ(all(JsonLogReader(std::move(fd), static_cast<std::int64_t>(good.size()))).size(), 1U);
}

TEST_F(JsonLog, TakesOverTheLogOfConmon) {
  ASSERT_TRUE(write_file(dir_.fd(), "console.log",
                         "2026-11-24T20:15:42.5+00:00 stdout F one\n"
                         "2026-11-24T20:15:43.5+00:00 stderr P tw\n"
                         "nonsense\n"
                         "2026-11-24T20:15:43.5+00:00 stderr F o\n",
                         0600));
  auto writer = *JsonLogWriter::open(dir_.fd(), "c");
  ASSERT_TRUE(append_k8s_log(writer, *open_at(dir_.fd(), "console.log", O_RDONLY)));
  EXPECT_EQ(all(JsonLogReader(log())),
            (std::vector<std::string>{"out one\n", "err tw", "err o\n"}));
  EXPECT_NE(text().find("2026-11-24T20:15:42.5Z"), std::string::npos);
}

}  // namespace
}  // namespace strata
