#include "compress/compressor.h"

#include <gtest/gtest.h>

#include <random>

#include "compress/detect.h"

namespace strata {
namespace {

std::string sample_bytes(std::size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) {
    if (random() % 3 == 0)
      text.append(random() % 2000, static_cast<char>(random()));
    else
      text += "a line of text " + std::to_string(random() % 1000) + '\n';
    if (random() % 50 == 0)
      for (int i = 0; i < 5000; i++) text += static_cast<char>(random());
  }
  text.resize(size);
  return text;
}

std::string packed(Compression how, std::string_view plain, unsigned threads, std::size_t cut) {
  std::string out;
  auto to = make_compressor(
      how,
      [&](std::string_view bytes) -> Result<void> {
        out += bytes;
        return {};
      },
      threads);
  for (std::size_t at = 0; at < plain.size(); at += cut)
    EXPECT_TRUE(to->write(plain.substr(at, cut)));
  EXPECT_TRUE(to->finish());
  return out;
}

std::string unpacked(const std::string& bytes) {
  StringSource source(bytes);
  auto plain = decompress(source);
  std::string out;
  std::vector<char> buffer(100'000);
  for (;;) {
    auto n = (*plain)->read(buffer);
    EXPECT_TRUE(n) << n.error().message();
    if (!n || *n == 0) return out;
    out.append(buffer.data(), *n);
  }
}

class Compressors : public testing::TestWithParam<Compression> {};

TEST_P(Compressors, GiveBackWhatCameIn) {
  for (std::size_t size : {0UL, 1UL, 1000UL, 262'143UL, 262'144UL, 262'145UL, 1'000'000UL}) {
    auto plain = sample_bytes(size);
    if (GetParam() == Compression::None) {
      EXPECT_EQ(packed(GetParam(), plain, 2, 999), plain);
      continue;
    }
    auto bytes = packed(GetParam(), plain, 2, 70'000);
    EXPECT_EQ(detect_format(bytes),
              GetParam() == Compression::Gzip ? StreamFormat::Gzip : StreamFormat::Zstd);
    EXPECT_TRUE(unpacked(bytes) == plain) << size;
  }
}

TEST_P(Compressors, TheBytesDoNotDependOnThreadsOrCuts) {
  auto plain = sample_bytes(1'500'000);
  auto once = packed(GetParam(), plain, 1, plain.size());
  for (unsigned threads : {1U, 3U, 8U})
    for (std::size_t cut : {100'000UL, 400'003UL})
      EXPECT_TRUE(packed(GetParam(), plain, threads, cut) == once) << threads << ' ' << cut;
  if (GetParam() != Compression::None) EXPECT_LT(once.size(), plain.size());
}

TEST_P(Compressors, AnErrorOfTheSinkEndsIt) {
  auto to = make_compressor(
      GetParam(), [](std::string_view) { return Error(ErrorCode::Cancelled, "full"); }, 3);
  auto plain = sample_bytes(1'000'000);
  auto done = to->write(plain);
  if (done) done = to->finish();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "full");
}

TEST(DroppedCompressor, EndsItsThreads) {
  auto to = make_compressor(
      Compression::Gzip, [](std::string_view) -> Result<void> { return {}; }, 4);
  EXPECT_TRUE(to->write(sample_bytes(2'000'000)));
}

INSTANTIATE_TEST_SUITE_P(All, Compressors,
                         testing::Values(Compression::None, Compression::Gzip, Compression::Zstd),
                         [](const auto& c) {
                           return std::string(c.param == Compression::None   ? "None"
                                              : c.param == Compression::Gzip ? "Gzip"
                                                                             : "Zstd");
                         });

}  // namespace
}  // namespace strata
