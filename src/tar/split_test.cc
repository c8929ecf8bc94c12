#include "tar/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/process.h"
#include "base/test_dir.h"
#include "compress/gzip_reader.h"
#include "compress/gzip_writer.h"
#include "tar/crc64.h"
#include "tar/reader.h"
#include "tar/writer.h"

namespace strata::tar {
namespace {

using namespace std::string_literals;

ByteSink append_to(std::string& out) {
  return [&out](std::string_view piece) {
    out += piece;
    return Result<void>();
  };
}

std::string gzip(std::string_view bytes) {
  std::string out;
  GzipWriter writer(append_to(out));
  EXPECT_TRUE(writer.write(bytes));
  EXPECT_TRUE(writer.finish());
  return out;
}

std::string gunzip(std::string_view bytes) {
  StringSource source(bytes);
  GzipReader reader(source);
  std::string out(1 << 20, '\0');
  out.resize(*read_full(reader, out));
  return out;
}

/// The lines that `write` makes.
std::string lines(const std::function<void(SplitWriter&)>& write) {
  std::string out;
  SplitWriter writer(append_to(out));
  write(writer);
  EXPECT_TRUE(writer.finish());
  return gunzip(out);
}

TEST(SplitWriter, LinesAreThoseOfDockerd) {
  EXPECT_EQ(lines([](SplitWriter& w) {
              EXPECT_TRUE(w.segment("hdr"));
              EXPECT_TRUE(w.file("bin/", 0, 0));
              EXPECT_TRUE(w.segment(""));  // no line
              EXPECT_TRUE(w.file("u", 2, crc64("a\n")));
              EXPECT_TRUE(w.segment("\0\xff"s));
            }),
            "{\"type\":2,\"payload\":\"aGRy\",\"position\":0}\n"
            "{\"type\":1,\"name\":\"bin/\",\"payload\":null,\"position\":1}\n"
            "{\"type\":1,\"name\":\"u\",\"size\":2,\"payload\":\"YUQgAAAAAAA=\",\"position\":2}\n"
            "{\"type\":2,\"payload\":\"AP8=\",\"position\":3}\n");
}

TEST(SplitWriter, NoEntriesGiveAnEmptyFile) {
  EXPECT_EQ(lines([](SplitWriter&) {}), "");
}

struct SplitNameCase {
  const char* name;
  std::string raw;
  std::string member;  // what stands between type and payload
};

class FileLineName : public testing::TestWithParam<SplitNameCase> {};

TEST_P(FileLineName, IsEscapedAsGoDoes) {
  std::string line = lines([](SplitWriter& w) { EXPECT_TRUE(w.file(GetParam().raw, 0, 0)); });
  EXPECT_EQ(line, "{\"type\":1," + GetParam().member + "\"payload\":null,\"position\":0}\n");
}

TEST_P(FileLineName, IsReadBack) {
  std::string out;
  SplitWriter writer(append_to(out));
  ASSERT_TRUE(writer.file(GetParam().raw, 0, 0));
  ASSERT_TRUE(writer.finish());
  StringSource source(out);
  SplitReader reader(source);
  auto entry = reader.next();
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ((*entry)->name, GetParam().raw);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FileLineName,
    testing::ValuesIn(std::vector<SplitNameCase>{
        {"Plain", "./usr/bin/", R"("name":"./usr/bin/",)"},
        {"Empty", "", ""},
        {"Quote", "a\"b\\c/d", R"("name":"a\"b\\c/d",)"},
        {"Html", "<a>&", R"("name":"\u003ca\u003e\u0026",)"},
        {"Control", "\x01\b\f\n\r\t\x1f\x7f", "\"name\":\"\\u0001\\b\\f\\n\\r\\t\\u001f\x7f\","},
        {"Utf8", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3",
         "\"name\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3\","},
        {"LineSeparators", "a\u2028\u2029\u2030", "\"name\":\"a\\u2028\\u2029\u2030\","},
        {"NotUtf8", "b\xff", R"("name_raw":"Yv8=",)"},
        {"CutCharacter", "\xe2\x82", R"("name_raw":"4oI=",)"},
        {"Surrogate", "\xed\xa0\x80", R"("name_raw":"7aCA",)"},
        {"Overlong", "\xc0\xaf", R"("name_raw":"wK8=",)"},
        {"BeyondUnicode", "\xf4\x90\x80\x80", R"("name_raw":"9JCAgA==",)"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

Result<std::vector<SplitEntry>> read_lines(const std::string& text) {
  std::string compressed = gzip(text);
  StringSource source(compressed);
  SplitReader reader(source);
  std::vector<SplitEntry> entries;
  while (auto entry = TRY(reader.next())) entries.push_back(*std::move(entry));
  return entries;
}

TEST(SplitReader, TakesAnyJson) {
  const std::vector<std::string> same = {
      R"({"type":1,"name":"a/b","size":2,"payload":"YUQgAAAAAAA=","position":0})",
      R"({"position":0,"payload":"YUQgAAAAAAA=","size":2,"name":"a/b","type":1})",
      " { \"type\" : 1 ,\t\"name\":\"a\\/b\", \"size\": 2, \"payload\":\"YUQgAAAAAAA=\", "
      "\"position\":0 } \r",
      R"({"type":1,"x":{"y":[1,-2.5e+3,"\"}",null,true,false,{},[]]},"name":"\u0061/b","size":2,)"
      R"("payload":"YUQgAAAAAAA=","name_raw":null,"position":0})",
      R"({"type":1,"name":"old","name":"a/b","size":2,"payload":"YUQgAAAAAAA=","position":0})",
      R"({"type":1,"name_raw":"YS9i","size":2,"payload":"YUQgAAAAAAA=","position":0})",
  };
  SplitEntry expected{SplitEntry::Kind::File, "a/b", 2, 0x6144200000000000, {}};
  for (const auto& line : same)
    for (const char* end : {"", "\n", "\n\n \n"}) {
      auto entries = read_lines(line + end);
      ASSERT_TRUE(entries) << line << ": " << entries.error().message();
      ASSERT_EQ(entries->size(), 1U);
      EXPECT_TRUE(entries->front() == expected) << line;
    }
}

TEST(SplitReader, DecodesEscapes) {
  auto entries = read_lines(
      R"({"type":1,"name":"\"\\\/\b\f\n\r\t\u00e4\u20AC\ud83d\udc33\ud83d-\udc33","payload":null,"position":0})");
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ(entries->front().name,
            "\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3\xef\xbf\xbd-\xef\xbf\xbd");
}

TEST(SplitReader, TakesTheEmptySegmentOfDockerd20) {
  auto entries = read_lines("{\"type\":2,\"payload\":\"\",\"position\":0}\n");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front().bytes, "");
}

TEST(SplitReader, RefusesWhatIsNone) {
  const std::vector<std::string> bad = {
      "x",
      "{}",
      "[]",
      "{",
      R"({"type":2,"payload":"aGRy","position":0)",
      R"({"type":2,"payload":"aGRy","position":0}})",
      R"({"type":2,"payload":"aGRy","position":0} {})",
      R"({"type":2,"payload":"aGRy","position":0,})",
      R"({"type":2,"payload":"aGRy"})",
      R"({"type":2,"payload":"aGRy","position":1})",
      R"({"type":2,"payload":"aGR","position":0})",
      R"({"type":2,"payload":"a===","position":0})",
      R"({"type":2,"payload":"a=Ry","position":0})",
      R"({"type":2,"payload":"aG y","position":0})",
      R"({"type":2,"payload":5,"position":0})",
      R"({"type":3,"payload":"aGRy","position":0})",
      R"({"payload":"aGRy","position":0})",
      R"({"type":1.5,"payload":"aGRy","position":0})",
      R"({"type":1,"name":"a","size":-1,"payload":null,"position":0})",
      R"({"type":1,"name":"a","size":99999999999999999999,"payload":null,"position":0})",
      R"({"type":1,"name":"a","size":1,"payload":null,"position":0})",
      R"({"type":1,"name":"a","size":1,"payload":"AAAA","position":0})",
      R"({"type":1,"name":"a\u0000b","payload":null,"position":0})",
      R"({"type":1,"name":"a\x","payload":null,"position":0})",
      R"({"type":1,"name":"a\u12","payload":null,"position":0})",
      R"({"type":1,"name":"\u+123","payload":null,"position":0})",
      R"({"type":1,"name":"a,"payload":null,"position":0})",
      "{\"type\":1,\"name\":\"a\xff\",\"payload\":null,\"position\":0}",
      R"({"type":1,"x":)" + std::string(5000, '[') + std::string(5000, ']') + R"(,"position":0})",
      R"({"type":1,"x":nan,"position":0})",
      R"({"type":2,"payload":"aGRy","position":0})"
      "\n"
      R"({"type":2,"payload":"aGRy","position":0})",
  };
  for (const auto& text : bad) {
    auto entries = read_lines(text);
    ASSERT_FALSE(entries) << text;
    EXPECT_EQ(entries.error().code(), ErrorCode::Corrupt);
    EXPECT_TRUE(entries.error().message().starts_with("tar-split: ")) << entries.error().message();
  }
}

TEST(SplitReader, BoundsTheLine) {
  auto entries = read_lines("{\"type\":2,\"payload\":\"" + std::string(20 << 20, 'A') + "\"}");
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().message(), "tar-split: entry too long");
}

TEST(SplitReader, EveryTruncationIsAnError) {
  std::string out;
  SplitWriter writer(append_to(out));
  ASSERT_TRUE(writer.segment(std::string(700, 's')));
  ASSERT_TRUE(writer.file("a", 3, 77));
  ASSERT_TRUE(writer.finish());
  for (std::size_t size = 0; size < out.size(); size++) {
    StringSource source(std::string_view(out).substr(0, size));
    SplitReader reader(source);
    Result<std::optional<SplitEntry>> entry = reader.next();
    while (entry && *entry) entry = reader.next();
    EXPECT_FALSE(entry) << size;
  }
}

/// An archive taken apart, as a layer is: the tar-split and the contents by raw name.
struct Parts {
  std::string split;
  std::map<std::string, std::string> files;
};

Result<Parts> take_apart(std::string_view archive) {
  Parts parts;
  StringSource source(archive);
  Reader reader(source);
  SplitWriter split(append_to(parts.split));
  std::array<char, 5000> buffer;
  while (auto entry = TRY(reader.next())) {
    TRY(split.segment(reader.raw()));
    std::string content;
    while (std::size_t n = TRY(reader.read(buffer))) content.append(buffer.data(), n);
    TRY(split.file(entry->name, entry->size, crc64(content)));
    if (entry->type == EntryType::Regular) parts.files[entry->name] = std::move(content);
  }
  TRY(split.segment(reader.raw()));
  TRY(reader.read_rest([&](std::string_view piece) { return split.segment(piece); }));
  TRY(split.finish());
  return parts;
}

/// Contents come from files of a temporary directory.
OpenFile content_of(const Parts& parts) {
  return [&parts](const std::string& name) -> Result<UniqueFd> {
    TestDir dir("strata-split-test-");
    auto file = parts.files.find(name);
    if (file == parts.files.end()) return Error(ErrorCode::NotFound, "open " + name);
    TRY(write_file(dir.fd(), "content", file->second, 0600));
    return open_at(dir.fd(), "content", O_RDONLY);
  };
}

/// The other way round.
Result<std::string> put_together(const Parts& parts) {
  StringSource source(parts.split);
  SplitReader split(source);
  std::string out;
  TRY(assemble(split, content_of(parts), append_to(out)));
  return out;
}

std::string random_archive(std::mt19937& random) {
  std::string out;
  for (std::size_t i = 0, n = random() % 12; i < n; i++) {
    Entry e;
    e.name = "f" + std::to_string(i) + std::string(random() % 2 * (random() % 300), '\xe4');
    e.size = static_cast<std::int64_t>(random() % 3 * (random() % 3000));
    EXPECT_TRUE(append_header(out, e));
    for (std::int64_t k = 0; k < e.size; k++) out += static_cast<char>(random());
    out.append(padding(e.size).size(), random() % 2 == 0 ? '\0' : 'p');  // any padding is kept
  }
  if (random() % 3 != 0) out += end_marker();
  if (random() % 3 == 0 && out.ends_with(end_marker())) out += std::string(random() % 9000, 'z');
  return out;
}

TEST(Assemble, GivesTheSameBytes) {
  std::mt19937 random(5);
  for (int i = 0; i < 60; i++) {
    std::string archive = random_archive(random);
    auto parts = take_apart(archive);
    ASSERT_TRUE(parts) << parts.error().message();
    auto again = put_together(*parts);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(*again == archive) << i;
  }
}

TEST(Assemble, FillsTheRoomThatItGets) {
  Entry e;
  e.name = "a";
  e.size = 3000;
  std::string archive;
  ASSERT_TRUE(append_header(archive, e));
  archive.append(std::string(3000, 'c')).append(padding(3000)).append(end_marker());
  auto parts = take_apart(archive);
  ASSERT_TRUE(parts) << parts.error().message();
  std::string memory(archive.size(), '\0');
  for (std::size_t size : {std::size_t{1}, std::size_t{512}, std::size_t{700}, archive.size()}) {
    std::size_t given = 0;
    std::span<char> last;
    StringSource source(parts->split);
    SplitReader split(source);
    auto taken = [&](std::string_view piece) -> Result<void> {
      EXPECT_EQ(piece.data(), last.data());
      EXPECT_LE(piece.size(), last.size());
      given += piece.size();
      return {};
    };
    auto room = [&] {
      return last = std::span(memory).subspan(given, std::min(size, memory.size() - given));
    };
    ASSERT_TRUE(assemble(split, content_of(*parts), taken, room));
    EXPECT_EQ(given, archive.size());
    EXPECT_TRUE(memory == archive) << size;
  }
}

class AssembleGnuTar : public testing::TestWithParam<const char*> {};

TEST_P(AssembleGnuTar, GivesTheSameBytes) {
  TestDir dir("strata-split-test-");
  ASSERT_TRUE(make_dirs(dir.fd(), "usr/share", 0755));
  ASSERT_TRUE(write_file(dir.fd(), "usr/share/empty", "", 0644));
  ASSERT_TRUE(write_file(dir.fd(), "usr/share/b\xff", std::string(513, 'x'), 0644));
  ASSERT_TRUE(write_file(dir.fd(), "big", std::string(300000, 'y'), 0644));
  ASSERT_EQ(::linkat(dir.fd(), "big", dir.fd(), "hard", 0), 0);
  ASSERT_EQ(::symlinkat("big", dir.fd(), "link"), 0);
  Command tar;
  tar.argv = {"tar", "--format="s + GetParam(),
              "-C",  "/proc/self/fd/" + std::to_string(dir.fd()),
              "-c",  "."};
  tar.keep_fds = {dir.fd()};
  auto output = run_and_capture(tar);
  ASSERT_TRUE(output);
  ASSERT_TRUE(output->status.success()) << output->err;
  auto parts = take_apart(output->out);
  ASSERT_TRUE(parts) << parts.error().message();
  auto again = put_together(*parts);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE(*again == output->out);
}

INSTANTIATE_TEST_SUITE_P(Formats, AssembleGnuTar,
                         testing::Values("gnu", "oldgnu", "pax", "ustar", "v7"),
                         [](const auto& c) { return std::string(c.param); });

TEST(Assemble, ChecksEveryFile) {
  Entry e;
  e.name = "d/a\"\xff\n";
  e.size = 5;
  std::string archive;
  ASSERT_TRUE(append_header(archive, e));
  archive.append("hello").append(padding(5)).append(end_marker());
  auto parts = take_apart(archive);
  ASSERT_TRUE(parts);
  for (const char* other : {"hellO", "hell", "hello!", ""}) {
    parts->files[e.name] = other;
    auto again = put_together(*parts);
    ASSERT_FALSE(again) << other;
    EXPECT_EQ(again.error().code(), ErrorCode::Corrupt);
    EXPECT_EQ(again.error().message(), "file integrity checksum failed for \"d/a\\\"\\xff\\n\"");
  }
  parts->files.clear();
  EXPECT_EQ(put_together(*parts).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace strata::tar
