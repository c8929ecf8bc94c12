#include "tar/writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace strata::tar {
namespace {

using namespace std::string_literals;

constexpr std::size_t kSum = 148;  // offset of the checksum

Entry file(std::string name) {
  Entry e;
  e.name = std::move(name);
  e.mode = 0644;
  return e;
}

std::string header(const Entry& entry, HeaderStyle style = {}) {
  std::string out;
  auto result = append_header(out, entry, style);
  EXPECT_TRUE(result) << result.error().message();
  return out;
}

/// A field up to its first NUL.
std::string field(const std::string& block, std::size_t offset, std::size_t size) {
  std::string text = block.substr(offset, size);
  return text.substr(0, text.find('\0'));
}

/// The records of a header that has some, without padding.
std::string records(const std::string& blocks) {
  EXPECT_EQ(blocks[156], 'x');
  return blocks.substr(512, std::stoul(blocks.substr(124, 11), nullptr, 8));
}

std::string main_block(const std::string& blocks) { return blocks.substr(blocks.size() - 512); }

TEST(AppendHeader, UstarByteForByte) {
  Entry e;
  e.name = "etc/hosts";
  e.mode = 04755;
  e.uid = 1000;
  e.gid = 2097151;
  e.size = 513;
  e.mtime = {1700000000, 999999999};
  e.uname = "root";
  e.gname = "daemon";
  std::string block(512, '\0');
  auto put = [&](std::size_t offset, std::string_view text) {
    block.replace(offset, text.size(), text);
  };
  put(0, "etc/hosts");
  put(100, "0004755"s);
  put(108, "0001750"s);
  put(116, "7777777"s);
  put(124, "00000001001"s);
  put(136, "14524770400"s);
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\00000"s);
  put(265, "root");
  put(297, "daemon");
  put(329, "0000000"s);
  put(337, "0000000"s);
  unsigned sum = 0;
  for (char c : block) sum += static_cast<unsigned char>(c);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  put(kSum, std::string(text, 7) + ' ');
  EXPECT_EQ(header(e), block);
}

TEST(AppendHeader, TypesAndDevices) {
  Entry e = file("dev/null");
  e.type = EntryType::CharDevice;
  e.dev_major = 1;
  e.dev_minor = 3;
  std::string block = header(e);
  EXPECT_EQ(block[156], '3');
  EXPECT_EQ(field(block, 329, 8), "0000001");
  EXPECT_EQ(field(block, 337, 8), "0000003");
}

struct StyleCase {
  EntryType type;
  const char* mode;
};

TEST(AppendHeader, Dockerd20PutsTypeBitsIntoTheMode) {
  for (const StyleCase& c : std::vector<StyleCase>{{EntryType::Regular, "0100644"},
                                                   {EntryType::HardLink, "0100644"},
                                                   {EntryType::Symlink, "0120644"},
                                                   {EntryType::CharDevice, "0020644"},
                                                   {EntryType::BlockDevice, "0060644"},
                                                   {EntryType::Directory, "0040644"},
                                                   {EntryType::Fifo, "0010644"}}) {
    Entry e = file("x");
    e.type = c.type;
    EXPECT_EQ(field(header(e, {.type_bits_in_mode = true}), 100, 8), c.mode);
    EXPECT_EQ(field(header(e), 100, 8), "0000644");
  }
}

struct SplitCase {
  const char* name;
  std::string path;
  std::string prefix;  // "PAX": it does not fit
  std::string suffix;
};

class SplitName : public testing::TestWithParam<SplitCase> {};

TEST_P(SplitName, GoesWhereItFits) {
  Entry e = file(GetParam().path);
  if (e.name.ends_with('/')) e.type = EntryType::Directory;
  std::string blocks = header(e);
  if (GetParam().prefix == "PAX") {
    EXPECT_EQ(blocks.size() % 512, 0U);
    EXPECT_NE(records(blocks).find(" path=" + e.name + "\n"), std::string::npos);
    return;
  }
  ASSERT_EQ(blocks.size(), 512U);
  EXPECT_EQ(field(blocks, 345, 155), GetParam().prefix);
  EXPECT_EQ(field(blocks, 0, 100), GetParam().suffix);
}

std::string a(std::size_t n) { return std::string(n, 'a'); }

INSTANTIATE_TEST_SUITE_P(
    Cases, SplitName,
    testing::ValuesIn(std::vector<SplitCase>{
        {"Short", a(100), "", a(100)},
        {"NoSlash", a(101), "PAX", ""},
        {"OneSlash", "d/" + a(99), "d", a(99)},
        {"LeadingSlashOnly", "/" + a(100), "PAX", ""},
        {"LongestBoth", a(155) + "/" + a(100), a(155), a(100)},
        {"PrefixTooLong", a(156) + "/b", "PAX", ""},
        {"SuffixTooLong", a(10) + "/" + a(101), "PAX", ""},
        {"LastSlashThatFits", a(100) + "/" + a(40) + "/" + a(80), a(100) + "/" + a(40), a(80)},
        {"Over256", a(100) + "/" + a(100) + "/" + a(100), "PAX", ""},
        {"DirectoryKeepsItsSlash", a(60) + "/" + a(60) + "/", a(60), a(60) + "/"},
        {"DirectoryOf156", a(95) + "/" + a(59) + "/", a(95), a(59) + "/"},
        {"DirectoryWithoutSlashInside", a(120) + "/", "PAX", ""},
        {"SplitAtTheEndLeavesNothing", a(155) + "/", "PAX", ""},
        {"NotAscii", "b\xc3\xa4r", "PAX", ""},
        {"NotUtf8", "b\xff", "PAX", ""},
    }),
    [](const auto& c) { return std::string(c.param.name); });

struct PaxCase {
  const char* name;
  Entry entry;
  std::string records;
};

class Pax : public testing::TestWithParam<PaxCase> {};

TEST_P(Pax, RecordsAreSortedAndOnlyTheNeeded) {
  EXPECT_EQ(records(header(GetParam().entry)), GetParam().records);
}

Entry with(const std::function<void(Entry&)>& change) {
  Entry e = file("t/empty");
  change(e);
  return e;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Pax,
    testing::ValuesIn(std::vector<PaxCase>{
        {"Owner", with([](Entry& e) {
           e.uid = 3000000;
           e.gid = 2097152;
         }),
         "15 gid=2097152\n15 uid=3000000\n"},
        {"NegativeTimeIsFloored", with([](Entry& e) {
           e.mtime = {-2, 500000000};
         }),
         "12 mtime=-2\n"},
        {"FarTime", with([](Entry& e) {
           e.mtime = {8589934592, 0};
         }),
         "20 mtime=8589934592\n"},
        {"Size", with([](Entry& e) { e.size = 8589934592; }), "19 size=8589934592\n"},
        {"Capability", with([](Entry& e) {
           e.xattrs = {{"security.capability", "\x01\0\0\x02\n="s}};
         }),
         "43 SCHILY.xattr.security.capability=\x01\0\0\x02\n=\n"s},
        {"EmptyXattr", with([](Entry& e) {
           e.xattrs = {{"user.x", ""}};
         }),
         "24 SCHILY.xattr.user.x=\n"},
        {"Linkpath", with([](Entry& e) {
           e.type = EntryType::Symlink;
           e.linkname = "\xc3\xa4";
         }),
         "15 linkpath=\xc3\xa4\n"},
        {"Names", with([](Entry& e) {
           e.uname = "\xc3\xa4";
           e.gname = a(33);
         }),
         "43 gname=" + a(33) + "\n12 uname=\xc3\xa4\n"},
        {"SplittableNameGetsItsRecordToo", with([](Entry& e) {
           e.name = a(60) + "/" + a(60);
           e.uid = 2097152;
         }),
         "131 path=" + a(60) + "/" + a(60) + "\n15 uid=2097152\n"},
        {"LengthCountsItself", with([](Entry& e) {
           e.name = "\xc3\xa4" + a(89);  // 99 bytes without the length's second digit
         }),
         "101 path=\xc3\xa4" + a(89) + "\n"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(AppendHeader, PaxBlocks) {
  Entry e = file("t/empty");
  e.uid = 3000000;
  e.gid = 2097152;
  std::string blocks = header(e);
  ASSERT_EQ(blocks.size(), 1536U);
  EXPECT_EQ(field(blocks, 0, 100), "t/PaxHeaders.0/empty");
  EXPECT_EQ(blocks.substr(100, 48),
            "0000000\0"
            "0000000\0"
            "0000000\0"
            "00000000036\0"
            "00000000000\0"s);
  EXPECT_EQ(blocks.substr(157, 100), std::string(100, '\0'));
  EXPECT_EQ(blocks.substr(257, 8), "ustar\00000"s);
  EXPECT_EQ(blocks.substr(265, 247), std::string(247, '\0'));
  EXPECT_EQ(blocks.substr(542, 482), std::string(482, '\0'));
  std::string main = main_block(blocks);
  EXPECT_EQ(field(main, 108, 8), "0000000");
  EXPECT_EQ(field(main, 116, 8), "0000000");
  EXPECT_EQ(field(main, 329, 8), "0000000");
}

struct NameCase {
  const char* name;
  std::string path;
  std::string pax;   // name of the x header
  std::string main;  // name field of the main header
};

class PaxName : public testing::TestWithParam<NameCase> {};

TEST_P(PaxName, InBothHeaders) {
  Entry e = file(GetParam().path);
  e.type = EntryType::Directory;
  e.uid = 1U << 31;
  std::string blocks = header(e);
  EXPECT_EQ(field(blocks, 0, 100), GetParam().pax);
  EXPECT_EQ(field(main_block(blocks), 0, 100), GetParam().main);
}

INSTANTIATE_TEST_SUITE_P(Cases, PaxName,
                         testing::ValuesIn(std::vector<NameCase>{
                             {"Plain", "f", "PaxHeaders.0/f", "f"},
                             {"Directory", "d/e/", "d/e/PaxHeaders.0", "d/e/"},
                             {"Absolute", "/f", "/PaxHeaders.0/f", "/f"},
                             {"Dots", "./a/../b//c", "b/PaxHeaders.0/c", "./a/../b//c"},
                             {"Up", "../../c", "../../PaxHeaders.0/c", "../../c"},
                             {"UpFromTheRoot", "/../c", "/PaxHeaders.0/c", "/../c"},
                             {"HighBytesAreDropped", "\xc3\xa4x/\xffy", "x/PaxHeaders.0/y", "x/y"},
                             {"CutAtOneHundred", a(120), "PaxHeaders.0/" + a(87), a(100)},
                             {"SlashAtTheCut", a(99) + "/bbb", a(99), a(99)},
                             {"SlashesAtTheCut", a(97) + "///bbb", a(97) + "/Pa", a(97)},
                         }),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(AppendHeader, SlashAtTheCutIsOneNul) {
  Entry e = file(a(97) + "///bbb");
  e.uid = 1U << 31;
  EXPECT_EQ(main_block(header(e)).substr(95, 5), "aa\0//"s);
}

TEST(AppendHeader, ZeroTimeOfGoIsTheEpoch) {
  Entry e = file("x");
  e.mtime = kZeroTime;
  EXPECT_EQ(field(header(e), 136, 12), "00000000000");
}

TEST(AppendHeader, RefusesWhatTarCannotSay) {
  const std::vector<std::pair<const char*, Entry>> cases = {
      {"NUL in name", with([](Entry& e) { e.name = "a\0b"s; })},
      {"NUL in link", with([](Entry& e) { e.linkname = "a\0b"s; })},
      {"file with slash", with([](Entry& e) { e.name = "a/"; })},
      {"device", with([](Entry& e) { e.dev_minor = 2097152; })},
      {"negative size", with([](Entry& e) { e.size = -1; })},
      {"size of a link", with([](Entry& e) {
         e.type = EntryType::HardLink;
         e.size = 1;
       })},
      {"xattr key", with([](Entry& e) {
         e.xattrs = {{"user.a=b", "c"}};
       })},
      {"xattr key NUL", with([](Entry& e) {
         e.xattrs = {{"user.\0"s, "c"}};
       })},
      {"large xattr", with([](Entry& e) {
         e.xattrs = {{"user.a", std::string(1 << 20, 'v')}};
       })},
      {"global", with([](Entry& e) { e.type = EntryType::GlobalPax; })},
  };
  for (const auto& [name, entry] : cases) {
    std::string out = "before";
    auto result = append_header(out, entry);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(out, "before");
  }
}

TEST(Padding, FillsTheBlock) {
  EXPECT_EQ(padding(0).size(), 0U);
  EXPECT_EQ(padding(1).size(), 511U);
  EXPECT_EQ(padding(512).size(), 0U);
  EXPECT_EQ(padding(std::int64_t{1} << 40 | 513).size(), 511U);
  EXPECT_EQ(end_marker(), std::string(1024, '\0'));
}

}  // namespace
}  // namespace strata::tar
