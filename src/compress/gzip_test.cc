#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "compress/gzip_reader.h"
#include "compress/gzip_writer.h"

namespace strata {
namespace {

/// Text with much repetition and some noise: both literals and long matches.
std::string sample(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string out;
  while (out.size() < size) {
    if (random() % 4 == 0) {
      for (int i = 0; i < 40; i++) out += static_cast<char>(random());
    } else if (out.size() > 100) {
      out += out.substr(random() % (out.size() - 50), 1 + random() % 300);
    } else {
      out += "layer ";
    }
  }
  out.resize(size);
  return out;
}

std::string compressed(std::string_view bytes, std::size_t piece = 1 << 20) {
  std::string out;
  GzipWriter writer([&](std::string_view b) {
    out += b;
    return Result<void>();
  });
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    EXPECT_TRUE(writer.write(bytes.substr(0, piece)));
  EXPECT_TRUE(writer.finish());
  return out;
}

/// A member as zlib makes it; `extras` adds every optional part of the header.
std::string zlib_compressed(std::string bytes, int level, bool extras = false) {
  z_stream z = {};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string name = "name.tar";
  std::string comment(300, 'c');
  std::string extra(500, 'e');
  gz_header header = {};
  header.time = 1234567;
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(comment.data());
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = static_cast<uInt>(extra.size());
  header.hcrc = 1;
  if (extras) deflateSetHeader(&z, &header);
  std::string out(deflateBound(&z, static_cast<uLong>(bytes.size())) + 2000, '\0');
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string zlib_decompressed(std::string bytes, std::size_t size) {
  z_stream z = {};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  std::string out(size + 1, '\0');
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0U);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

/// Gives at most `piece` bytes at a time.
class Trickle final : public ByteSource {
 public:
  Trickle(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    return rest_.read(buffer.first(std::min(piece_, buffer.size())));
  }

 private:
  StringSource rest_;
  std::size_t piece_;
};

Result<std::string> decompressed(std::string_view bytes, std::size_t in = 1 << 20,
                                 std::size_t out_piece = 1 << 16) {
  Trickle source(bytes, in);
  GzipReader reader(source);
  std::string out;
  std::vector<char> buffer(out_piece);
  while (std::size_t n = TRY(reader.read(buffer))) out.append(buffer.data(), n);
  return out;
}

TEST(GzipWriter, HeaderIsThatOfGo) {
  EXPECT_EQ(compressed("x").substr(0, 10), std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
}

TEST(GzipWriter, ZlibReadsIt) {
  for (std::size_t size : {0U, 1U, 2U, 100U, 65535U, 65536U, 262143U, 262144U, 262145U, 3000000U}) {
    std::string bytes = sample(size);
    EXPECT_EQ(zlib_decompressed(compressed(bytes), size), bytes) << size;
  }
}

TEST(GzipWriter, OutputDoesNotDependOnThePieces) {
  std::string bytes = sample(1000000);
  std::string expected = compressed(bytes);
  for (std::size_t piece : {977U, 65536U, 300001U}) EXPECT_EQ(compressed(bytes, piece), expected);
}

TEST(GzipWriter, GivesTheErrorOfTheSink) {
  GzipWriter writer(
      [](std::string_view) -> Result<void> { return Error(ErrorCode::System, "disk full"); });
  auto result = writer.write(sample(5000000));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "disk full");
}

TEST(GzipReader, ReadsAllLevelsInAnyPieces) {
  std::string bytes = sample(200000);
  for (int level : {0, 1, 6, 9})
    for (std::size_t in : {1U, 7U, 4096U, 1U << 20})
      for (std::size_t out : {997U, 1U << 16}) {
        auto result = decompressed(zlib_compressed(bytes, level), in, out);
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(*result, bytes) << level << ' ' << in << ' ' << out;
      }
}

TEST(GzipReader, ReadsByteByByte) {
  std::string bytes = sample(5000);
  EXPECT_EQ(*decompressed(zlib_compressed(bytes, 6), 1, 1), bytes);
}

TEST(GzipReader, SkipsOptionalHeaderParts) {
  std::string bytes = sample(10000);
  for (std::size_t in : {1U, 3U, 64U, 1U << 20}) {
    auto result = decompressed(zlib_compressed(bytes, 6, true), in);
    ASSERT_TRUE(result) << in << ": " << result.error().message();
    EXPECT_EQ(*result, bytes);
  }
}

TEST(GzipReader, JoinsMembers) {
  std::string a = sample(70000, 1);
  std::string b = sample(30000, 2);
  std::string stream = zlib_compressed(a, 6) + compressed("") + zlib_compressed(b, 0, true) +
                       compressed(a) + compressed("");
  for (std::size_t in : {1U, 5U, 1000U, 1U << 20}) EXPECT_EQ(*decompressed(stream, in), a + b + a);
}

TEST(GzipReader, EveryTruncationIsUnexpectedEof) {
  std::string bytes = sample(2000);
  std::string stream = zlib_compressed(bytes, 6, true);
  for (std::size_t size = 0; size < stream.size(); size++) {
    auto result = decompressed(std::string_view(stream).substr(0, size));
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error().code(), ErrorCode::Corrupt);
    EXPECT_EQ(result.error().message(), "unexpected EOF") << size;
  }
}

TEST(GzipReader, TruncationInTheSecondMember) {
  std::string first = compressed("first");
  std::string stream = first + compressed("second");
  for (std::size_t size = first.size() + 1; size < stream.size(); size++)
    EXPECT_FALSE(decompressed(std::string_view(stream).substr(0, size))) << size;
}

TEST(GzipReader, RefusesWhatFollows) {
  for (std::string_view garbage : {std::string_view("garbage"), std::string_view("\0\0\0\0", 4),
                                   std::string_view("\x1f"), std::string_view("\x1f\x8b\x07")}) {
    auto result = decompressed(compressed("content") + std::string(garbage));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::Corrupt);
  }
  EXPECT_EQ(decompressed(compressed("x") + "garbage").error().message(), "gzip: trailing garbage");
}

TEST(GzipReader, RefusesOtherFormats) {
  EXPECT_EQ(decompressed("plain text, long enough for a header").error().message(),
            "gzip: invalid header");
}

TEST(GzipReader, NoFlippedBitGivesOtherContent) {
  std::string bytes = sample(600);
  const std::string stream = zlib_compressed(bytes, 6);
  for (std::size_t i = 0; i < stream.size() * 8; i++) {
    std::string damaged = stream;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    auto result = decompressed(damaged);
    if (!result) continue;
    EXPECT_EQ(*result, bytes) << "bit " << i;  // of the header: time, OS
  }
}

}  // namespace
}  // namespace strata
