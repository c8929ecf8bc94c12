#include "compress/detect.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compress/gzip_writer.h"

namespace strata {
namespace {

using namespace std::string_literals;

std::string all_of(ByteSource& source) {
  std::string out(1 << 16, '\0');
  out.resize(*read_full(source, out));
  return out;
}

struct DetectCase {
  const char* name;
  std::string head;
  StreamFormat format;
};

class Detect : public testing::TestWithParam<DetectCase> {};

TEST_P(Detect, ByMagic) { EXPECT_EQ(detect_format(GetParam().head), GetParam().format); }

INSTANTIATE_TEST_SUITE_P(Cases, Detect,
                         testing::ValuesIn(std::vector<DetectCase>{
                             {"Empty", "", StreamFormat::Unknown},
                             {"Gzip", "\x1f\x8b\x08\x00"s, StreamFormat::Gzip},
                             {"GzipOfUnknownMethod", "\x1f\x8b\x07\x00"s, StreamFormat::Unknown},
                             {"GzipCutShort", "\x1f\x8b"s, StreamFormat::Unknown},
                             {"Bzip2", "BZh91AY", StreamFormat::Bzip2},
                             {"Xz", "\xfd\x37zXZ\0rest"s, StreamFormat::Xz},
                             {"Zstd", "\x28\xb5\x2f\xfd\x04"s, StreamFormat::Zstd},
                             {"ZstdSkippable", "\x5c\x2a\x4d\x18"s, StreamFormat::Zstd},
                             {"Ustar", std::string(257, 'a') + "ustar\0"s, StreamFormat::Tar},
                             {"GnuTar", std::string(257, 'a') + "ustar  ", StreamFormat::Tar},
                             {"ZeroBlocks", std::string(1024, '\0'), StreamFormat::Unknown},
                             {"Text", "#!/bin/sh\n", StreamFormat::Unknown},
                         }),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(Decompress, GivesPlainBytesAsTheyAre) {
  for (std::size_t size : {0U, 1U, 261U, 262U, 263U, 5000U}) {
    std::string bytes(size, 'p');
    StringSource source(bytes);
    auto plain = decompress(source);
    ASSERT_TRUE(plain);
    EXPECT_EQ(all_of(**plain), bytes);
  }
}

TEST(Decompress, TakesGzipOff) {
  std::string compressed;
  GzipWriter writer([&](std::string_view piece) {
    compressed += piece;
    return Result<void>();
  });
  std::string bytes(40000, 'q');
  ASSERT_TRUE(writer.write(bytes));
  ASSERT_TRUE(writer.finish());
  StringSource source(compressed);
  auto plain = decompress(source);
  ASSERT_TRUE(plain);
  EXPECT_EQ(all_of(**plain), bytes);
}

TEST(Decompress, NamesTheFormatOfDamagedBytes) {
  StringSource source("BZh91AY no block begins so");
  auto plain = decompress(source);
  ASSERT_TRUE(plain);
  std::string buffer(100, '\0');
  auto read = (*plain)->read(buffer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(read.error().message(), "bzip2: invalid data");
}

}  // namespace
}  // namespace strata
