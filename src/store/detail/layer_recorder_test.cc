#include "store/detail/layer_recorder.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

#include "base/io.h"
#include "tar/crc64.h"

namespace strata::detail {
namespace {

/// A source that never ends.
class Zeros final : public ByteSource {
 public:
  Result<std::size_t> read(std::span<char> buffer) override {
    std::fill(buffer.begin(), buffer.end(), '\0');
    return buffer.size();
  }
};

UniqueFd memory_file() { return UniqueFd(::memfd_create("split", MFD_CLOEXEC)); }

Result<void> ignore(std::string_view) { return {}; }

class LayerRecorderSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(LayerRecorderSizes, DigestsAndSplits) {
  auto split = memory_file();
  auto look = std::move(*duplicate(split.get()));
  LayerRecorder recorder(std::move(split));
  std::string content(GetParam(), 'c');
  std::string shown;
  StringSource source(content);
  ASSERT_TRUE(recorder.segment("head"));
  ASSERT_TRUE(recorder.segment("er"));
  ASSERT_TRUE(recorder.file("name", static_cast<std::int64_t>(content.size())));
  ASSERT_TRUE(recorder.content(source, static_cast<std::int64_t>(content.size()),
                               [&](std::string_view piece) -> Result<void> {
                                 shown += piece;
                                 return {};
                               }));
  ASSERT_TRUE(recorder.segment("end"));
  recorder.cut();
  ASSERT_TRUE(recorder.segment("rest"));
  auto digest = recorder.finish();
  ASSERT_TRUE(digest) << digest.error().message();
  EXPECT_EQ(*digest, sha256("header" + content + "endrest"));
  EXPECT_TRUE(shown == content);

  ASSERT_EQ(::lseek(look.get(), 0, SEEK_SET), 0);
  FdSource file(look.get());
  tar::SplitReader reader(file);
  using Kind = tar::SplitEntry::Kind;
  std::vector<tar::SplitEntry> entries;
  while (auto entry = *reader.next()) entries.push_back(*std::move(entry));
  auto size = static_cast<std::int64_t>(content.size());
  EXPECT_EQ(entries,
            (std::vector<tar::SplitEntry>{{Kind::Segment, "", 0, 0, "header"},
                                          {Kind::File, "name", size, tar::crc64(content), ""},
                                          {Kind::Segment, "", 0, 0, "end"},
                                          {Kind::Segment, "", 0, 0, "rest"}}));
}

INSTANTIATE_TEST_SUITE_P(Sizes, LayerRecorderSizes,
                         testing::Values(0, 1, 4096, (1 << 17) - 10, (1 << 17) - 9, 1 << 17,
                                         (1 << 17) + 1, (1 << 20) - 10, (1 << 20) - 9, 1 << 20,
                                         10 << 20));

TEST(LayerRecorder, AnErrorOfTheOtherSideEndsThisOne) {
  LayerRecorder recorder(UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC)));
  Result<void> result;
  for (int i = 0; result && i < 1000; i++) {  // its writes are buffered: the error comes late
    result = recorder.segment(std::string(1 << 16, static_cast<char>(i)));
    recorder.cut();
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().sys_errno(), ENOSPC) << result.error().message();
}

TEST(LayerRecorder, AnErrorAtTheEndIsReported) {
  LayerRecorder recorder(UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC)));
  ASSERT_TRUE(recorder.segment("x"));
  auto digest = recorder.finish();
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().sys_errno(), ENOSPC);
}

TEST(LayerRecorder, AnErrorOfTheSinkStopsTheContent) {
  LayerRecorder recorder(memory_file());
  Zeros zeros;
  ASSERT_TRUE(recorder.file("f", 1 << 30));
  auto result = recorder.content(zeros, 1 << 30, [](std::string_view) -> Result<void> {
    return Error(ErrorCode::Cancelled, "enough");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::Cancelled);
}

TEST(LayerRecorder, DroppedInTheMiddle) {
  LayerRecorder recorder(memory_file());
  Zeros zeros;
  ASSERT_TRUE(recorder.file("f", 20 << 20));
  EXPECT_FALSE(recorder.content(zeros, 10 << 20, ignore));  // it goes on behind them
}

}  // namespace
}  // namespace strata::detail
