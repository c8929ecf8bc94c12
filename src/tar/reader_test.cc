#include "tar/reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/process.h"
#include "base/test_dir.h"
#include "tar/writer.h"

namespace strata::tar {
namespace {

using namespace std::string_literals;

/// Gives random pieces, so that headers and contents lie across reads.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view bytes, unsigned seed) : rest_(bytes), random_(seed) {}
  Result<std::size_t> read(std::span<char> buffer) override {
    return rest_.read(buffer.first(std::min<std::size_t>(1 + random_() % 1000, buffer.size())));
  }

 private:
  StringSource rest_;
  std::mt19937 random_;
};

struct Member {
  Entry entry;
  std::string content;
};

struct Archive {
  std::vector<Member> members;
  std::string bytes;  // all that the Reader handed out, in order
};

Result<Archive> read_archive(ByteSource& source) {
  Reader reader(source);
  Archive archive;
  std::array<char, 777> buffer;
  while (auto entry = TRY(reader.next())) {
    archive.bytes += reader.raw();
    std::string content;
    while (std::size_t n = TRY(reader.read(buffer))) content.append(buffer.data(), n);
    archive.bytes += content;
    archive.members.push_back({*std::move(entry), std::move(content)});
  }
  archive.bytes += reader.raw();
  TRY(reader.read_rest([&](std::string_view piece) {
    archive.bytes += piece;
    return Result<void>();
  }));
  return archive;
}

Result<Archive> read_archive(std::string_view bytes) {
  StringSource source(bytes);
  return read_archive(source);
}

void put(std::string& block, std::size_t offset, std::string_view text) {
  block.replace(offset, text.size(), text);
}

void set_checksum(std::string& block) {
  put(block, 148, "        ");
  unsigned sum = 0;
  for (char c : block) sum += static_cast<unsigned char>(c);
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%06o", sum);
  put(block, 148, std::string_view(text.data(), 7));
}

/// A header by hand. `magic` is that of ustar unless said otherwise.
std::string block(std::string_view name, char flag, std::size_t size,
                  std::string_view magic = std::string_view("ustar\00000", 8),
                  const std::function<void(std::string&)>& change = {}) {
  std::string out(512, '\0');
  put(out, 0, name);
  put(out, 100, "0000644"s);
  put(out, 108, "0000001"s);
  put(out, 116, "0000002"s);
  std::array<char, 13> octal;
  std::snprintf(octal.data(), octal.size(), "%011zo", size);
  put(out, 124, std::string_view(octal.data(), 11));
  put(out, 136, "00000000012"s);
  out[156] = flag;
  put(out, 257, magic);
  if (change) change(out);
  set_checksum(out);
  return out;
}

std::string padded(std::string data) {
  data.append(padding(static_cast<std::int64_t>(data.size())));
  return data;
}

std::string record(const std::string& key, const std::string& value) {
  std::size_t size = key.size() + value.size() + 3;
  std::size_t length = size + std::to_string(size).size();
  length = size + std::to_string(length).size();
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string pax(const std::string& records) {
  return block("x", 'x', records.size()) + padded(records);
}

std::string gnu(char flag, std::string text) {
  text += '\0';
  return block("././@LongLink", flag, text.size(), "ustar  \0"s) + padded(text);
}

const std::string kEnd(1024, '\0');
const std::string kUstar = "ustar\00000"s;
const std::string kGnu = "ustar  \0"s;

Entry only_entry(const std::string& headers) {
  auto archive = read_archive(headers + kEnd);
  if (!archive || archive->members.size() != 1) {
    ADD_FAILURE() << (archive ? "no single member" : archive.error().message());
    return {};
  }
  EXPECT_EQ(archive->bytes, headers + kEnd);
  return archive->members[0].entry;
}

struct EntryCase {
  const char* name;
  std::string headers;
  std::function<void(Entry&)> expected;  // changes name n, mode 0644, 1:2, time 10
};

class Headers : public testing::TestWithParam<EntryCase> {};

TEST_P(Headers, GiveTheEntry) {
  Entry expected;
  expected.name = "n";
  expected.mode = 0644;
  expected.uid = 1;
  expected.gid = 2;
  expected.mtime = {10, 0};
  if (GetParam().expected) GetParam().expected(expected);
  Entry entry = only_entry(GetParam().headers);
  EXPECT_EQ(entry.name, expected.name);
  EXPECT_EQ(entry.linkname, expected.linkname);
  EXPECT_EQ(entry.mtime, expected.mtime);
  EXPECT_TRUE(entry == expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Headers,
    testing::ValuesIn(
        std::vector<EntryCase>{
            {"Ustar", block("n", '0', 0), {}},
            {"V7", block("n", '\0', 0, ""), {}},
            {"V7DirectoryByItsSlash", block("n/", '\0', 0, ""),
             [](Entry& e) {
               e.name = "n/";
               e.type = EntryType::Directory;
             }},
            {"SlashOfAFileIsKept", block("n/", '0', 0), [](Entry& e) { e.name = "n/"; }},
            {"V7HasNoUserName",
             block("n", '0', 0, "", [](std::string& b) { put(b, 265, "junk"); }),
             {}},
            {"NameFillsTheField", block(std::string(100, 'a'), '0', 0),
             [](Entry& e) { e.name = std::string(100, 'a'); }},
            {"Prefix", block("n", '0', 0, kUstar, [](std::string& b) { put(b, 345, "a/b"); }),
             [](Entry& e) { e.name = "a/b/n"; }},
            {"StarPrefix",
             block("n", '0', 0, kUstar,
                   [](std::string& b) {
                     put(b, 345, "a");
                     put(b, 476, "00000000001 00000000001 ");
                     put(b, 508, "tar\0"s);
                   }),
             [](Entry& e) { e.name = "a/n"; }},
            {"GnuTimesAreNoPrefix",
             block("n", '0', 0, kGnu,
                   [](std::string& b) {
                     put(b, 345, "14524770400");
                     put(b, 357, "14524770400");
                   }),
             {}},
            {"PrefixInGnuHeaderOfOldGo",
             block("n", '0', 0, kGnu, [](std::string& b) { put(b, 345, "a/b"); }),
             [](Entry& e) { e.name = "a/b/n"; }},
            {"ModeWithTypeBits",
             block("n", '0', 0, kUstar, [](std::string& b) { put(b, 100, "0104755"); }),
             [](Entry& e) { e.mode = 04755; }},
            {"SignedChecksum",
             [] {
               std::string b = block("n\xc3\xa4", '0', 0);
               put(b, 148, "        ");
               int sum = 0;
               for (char c : b) sum += static_cast<signed char>(c);
               std::array<char, 8> text;
               std::snprintf(text.data(), text.size(), "%06o", static_cast<unsigned>(sum));
               put(b, 148, std::string_view(text.data(), 7));
               return b;
             }(),
             [](Entry& e) { e.name = "n\xc3\xa4"; }},
            {"TimeBefore1970",
             block("n", '0', 0, kGnu, [](std::string& b) { put(b, 136, std::string(12, '\xff')); }),
             [](Entry& e) {
               e.mtime = {-1, 0};
             }},
            {"NegativeOwner",
             block("n", '0', 0, kGnu,
                   [](std::string& b) { put(b, 108, "\xff\xff\xff\xff\xff\xff\xff\xfe"s); }),
             [](Entry& e) { e.uid = 4294967294; }},
            {"Device",
             block("n", '3', 0, kUstar,
                   [](std::string& b) {
                     put(b, 329, "0000005");
                     put(b, 337, "0000006");
                   }),
             [](Entry& e) {
               e.type = EntryType::CharDevice;
               e.dev_major = 5;
               e.dev_minor = 6;
             }},
            {"HardLinkWithSizeHasNoData",
             block("n", '1', 1000, kUstar, [](std::string& b) { put(b, 157, "target"); }),
             [](Entry& e) {
               e.type = EntryType::HardLink;
               e.linkname = "target";
             }},
            {"DirectoryWithSizeHasNoData", block("n", '5', 1000),
             [](Entry& e) { e.type = EntryType::Directory; }},
            {"PaxOverridesAll",
             pax(record("path", "p/\xff") + record("linkpath", "l") + record("uname", "root") +
                 record("gname", "adm") + record("uid", "3000000") + record("gid", "4294967295") +
                 record("mtime", "1700000000.123456789123") + record("comment", "x=y\n")) +
                 block("n", '2', 0),
             [](Entry& e) {
               e = {"p/\xff",
                    EntryType::Symlink,
                    0644,
                    3000000,
                    4294967295,
                    0,
                    {1700000000, 123456789},
                    "l",
                    "root",
                    "adm",
                    0,
                    0,
                    {}};
             }},
            {"PaxTimeBefore1970", pax(record("mtime", "-1.25")) + block("n", '0', 0),
             [](Entry& e) { e.mtime = {-2, 750000000}; }},
            {"PaxTimeJustBefore1970", pax(record("mtime", "-0.5")) + block("n", '0', 0),
             [](Entry& e) {
               e.mtime = {-1, 500000000};
             }},
            {"PaxTimeWithPoint", pax(record("mtime", "5.")) + block("n", '0', 0),
             [](Entry& e) { e.mtime = {5, 0}; }},
            {"PaxXattrsAreSortedTheLastWins",
             pax(record("SCHILY.xattr.user.b", "1") + record("SCHILY.xattr.user.a", "\0\n="s) +
                 record("SCHILY.xattr.user.b", "2")) +
                 block("n", '0', 0),
             [](Entry& e) {
               e.xattrs = {{"user.a", "\0\n="s}, {"user.b", "2"}};
             }},
            {"PaxEmptyValueKeepsTheHeader",
             pax(record("path", "") + record("uid", "")) + block("n", '0', 0),
             {}},
            {"SecondPaxHeaderReplacesTheFirst",
             pax(record("path", "a")) + pax(record("uid", "7")) + block("n", '0', 0),
             [](Entry& e) { e.uid = 7; }},
            {"GnuLongNames",
             gnu('K', std::string(300, 'l')) + gnu('L', std::string(200, 'm')) +
                 block("n", '2', 0, kGnu),
             [](Entry& e) {
               e.type = EntryType::Symlink;
               e.name = std::string(200, 'm');
               e.linkname = std::string(300, 'l');
             }},
            {"GnuLongNameBeatsPax",
             gnu('L', "gnu") + pax(record("path", "pax")) + block("n", '0', 0),
             [](Entry& e) { e.name = "gnu"; }},
        }),
    [](const auto& c) { return std::string(c.param.name); });

TEST(Reader, GlobalHeaderIsAMemberThatChangesNothing) {
  std::string records = record("path", "everywhere") + record("comment", "c");
  std::string bytes = block("pax_global_header", 'g', records.size()) + padded(records) +
                      block("n", '0', 3) + padded("abc") + kEnd;
  auto archive = read_archive(bytes);
  ASSERT_TRUE(archive);
  ASSERT_EQ(archive->members.size(), 2U);
  EXPECT_EQ(archive->members[0].entry.type, EntryType::GlobalPax);
  EXPECT_EQ(archive->members[0].entry.name, "pax_global_header");
  EXPECT_EQ(archive->members[0].entry.size, 0);
  EXPECT_EQ(archive->members[1].entry.name, "n");
  EXPECT_EQ(archive->members[1].content, "abc");
  EXPECT_EQ(archive->bytes, bytes);
}

TEST(Reader, RawIsCutAsTarSplitWantsIt) {
  std::string long_name = gnu('L', std::string(120, 'b'));
  std::string records = record("comment", "c");
  std::string global = block("g", 'g', records.size());
  std::string bytes = block("a", '0', 5) + padded("hello") + long_name + block("b", '5', 0) +
                      global + padded(records) + block("c", '0', 1) + padded("c") + kEnd +
                      "trailer";
  StringSource source(bytes);
  Reader reader(source);
  std::array<char, 10> content;
  ASSERT_TRUE(*reader.next());
  EXPECT_EQ(reader.raw(), block("a", '0', 5));
  EXPECT_EQ(*reader.read(content), 5U);
  EXPECT_EQ(*reader.read(content), 0U);
  ASSERT_TRUE(*reader.next());
  EXPECT_EQ(reader.raw(), std::string(507, '\0') + long_name + block("b", '5', 0));
  ASSERT_TRUE(*reader.next());
  EXPECT_EQ(reader.raw(), global + records);
  ASSERT_TRUE(*reader.next());
  EXPECT_EQ(reader.raw(),
            std::string(padding(static_cast<std::int64_t>(records.size()))) + block("c", '0', 1));
  EXPECT_EQ(*reader.read(content), 1U);
  ASSERT_FALSE(*reader.next());
  EXPECT_EQ(reader.raw(), std::string(511, '\0') + kEnd);
  std::string rest;
  ASSERT_TRUE(reader.read_rest([&](std::string_view piece) {
    rest += piece;
    return Result<void>();
  }));
  EXPECT_EQ(rest, "trailer");
}

TEST(Reader, SkipsContentThatNobodyReads) {
  std::string big(300000, 'x');
  std::string bytes = block("a", '0', big.size()) + padded(big) + block("b", '0', 0) + kEnd;
  StringSource source(bytes);
  Reader reader(source);
  EXPECT_EQ((*reader.next())->name, "a");
  EXPECT_EQ((*reader.next())->name, "b");
  EXPECT_FALSE(*reader.next());
  EXPECT_FALSE(*reader.next());
}

TEST(Reader, LargePiecesGoPastTheBuffer) {
  std::string big(1000001, 'x');
  std::string bytes = block("a", '0', big.size()) + padded(big) + kEnd;
  StringSource source(bytes);
  Reader reader(source);
  ASSERT_TRUE(*reader.next());
  std::string content(big.size() + 10, '\0');
  content.resize(*read_full(reader, content));
  EXPECT_EQ(content, big);
  EXPECT_FALSE(*reader.next());
}

TEST(Reader, EndsWhereDockerdDoes) {
  const std::string member = block("a", '0', 3) + padded("abc");
  for (const std::string& end : {""s, std::string(512, '\0'), kEnd, std::string(10240, '\0'),
                                 kEnd + "junk"s, kEnd + std::string(20480, '\0') + "junk"s}) {
    auto archive = read_archive(member + end);
    ASSERT_TRUE(archive);
    EXPECT_EQ(archive->members.size(), 1U);
    EXPECT_EQ(archive->bytes, member + end);
  }
  EXPECT_EQ(read_archive("")->members.size(), 0U);
  EXPECT_EQ(read_archive(kEnd)->bytes, kEnd);
}

struct BadCase {
  const char* name;
  std::string bytes;
  ErrorCode code;
  const char* message;  // its beginning
};

class Refused : public testing::TestWithParam<BadCase> {};

TEST_P(Refused, WithAReason) {
  auto archive = read_archive(GetParam().bytes + kEnd);
  ASSERT_FALSE(archive);
  EXPECT_EQ(archive.error().code(), GetParam().code);
  EXPECT_TRUE(archive.error().message().starts_with(GetParam().message))
      << archive.error().message();
}

const std::string kTwoMiB(2 << 20, 'a');

INSTANTIATE_TEST_SUITE_P(
    Cases, Refused,
    testing::ValuesIn(std::vector<BadCase>{
        {"Junk", std::string(512, 'j'), ErrorCode::Corrupt, "invalid tar header: wrong checksum"},
        {"Checksum",
         [] {
           std::string b = block("n", '0', 0);
           b[0] = 'm';
           return b;
         }(),
         ErrorCode::Corrupt, "invalid tar header: wrong checksum"},
        {"SingleZeroBlock", std::string(512, '\0') + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: single zero block"},
        {"NegativeSize",
         block("n", '0', 0, kGnu, [](std::string& b) { put(b, 124, std::string(12, '\xff')); }),
         ErrorCode::Corrupt, "invalid tar header: negative"},
        {"OwnerOutOfRange", pax(record("uid", "4294967296")) + block("n", '0', 0),
         ErrorCode::Corrupt, "invalid tar header: user or group id"},
        {"OldSparse", block("dir/s", 'S', 0, kGnu), ErrorCode::Unsupported,
         "tar entry dir/s: sparse files"},
        {"PaxSparse",
         pax(record("GNU.sparse.major", "1") + record("GNU.sparse.name", "real")) +
             block("GNUSparseFile.0/real", '0', 0),
         ErrorCode::Unsupported, "tar entry real: sparse files"},
        {"PaxSparseOldest", pax(record("GNU.sparse.size", "1")) + block("n", '0', 0),
         ErrorCode::Unsupported, "tar entry n: sparse files"},
        {"UnknownType", block("n", 'V', 0), ErrorCode::Unsupported,
         "tar entry n: unknown type flag 86"},
        {"PaxWithoutMember", pax(record("path", "a")), ErrorCode::Corrupt, "unexpected EOF"},
        {"LongNameWithoutMember", gnu('L', "a"), ErrorCode::Corrupt, "unexpected EOF"},
        {"PaxTooLong", pax(record("path", kTwoMiB)) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: too long"},
        {"LongNameTooLong", gnu('L', kTwoMiB) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: too long"},
        {"TooManyMetaMembers",
         [] {
           std::string out;
           for (int i = 0; i < 10; i++) out += gnu('L', std::string(1000000, 'a'));
           return out + block("n", '0', 0);
         }(),
         ErrorCode::Corrupt, "invalid tar header: too long"},
        {"PaxLengthTooLong", pax("99 path=a\n") + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: wrong length"},
        {"PaxLengthTooShort", pax("2 path=a\n") + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: wrong length"},
        {"PaxLengthHuge", pax("99999999999999999999 path=a\n") + block("n", '0', 0),
         ErrorCode::Corrupt, "invalid tar header: PAX record without length"},
        {"PaxWithoutNewline", pax("9 path=ab") + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: wrong length"},
        {"PaxWithoutKey", pax("6 =ab\n") + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: PAX record without key"},
        {"PaxWithoutEquals", pax("6 abc\n") + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: PAX record without key"},
        {"PaxNulInPath", pax(record("path", "a\0b"s)) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: NUL"},
        {"PaxSizeNegative", pax(record("size", "-1")) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: negative size"},
        {"PaxSizeNoNumber", pax(record("size", "1x")) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: PAX value"},
        {"PaxTimeNoNumber", pax(record("mtime", "1.x")) + block("n", '0', 0), ErrorCode::Corrupt,
         "invalid tar header: PAX time"},
        {"PaxTimeOutOfRange", pax(record("mtime", "-9223372036854775808.5")) + block("n", '0', 0),
         ErrorCode::Corrupt, "invalid tar header: PAX time"},
        {"BrokenGlobal", block("g", 'g', 3) + padded("abc"), ErrorCode::Corrupt,
         "invalid tar header: PAX record"},
    }),
    [](const auto& c) { return std::string(c.param.name); });

/// Ends of a stream at which nothing shows that something is missing: between two members, or in
/// the padding before.
TEST(Reader, TruncationIsSeenOrHarmless) {
  const std::vector<std::string> parts = {
      pax(record("path", "first")) + block("x", '0', 600) + std::string(600, 'c'),
      std::string(424, '\0') + gnu('L', "second") + block("x", '5', 0),
      block("third", '0', 2) + "ab"s,
      std::string(510, '\0') + kEnd,
  };
  std::string bytes;
  for (const auto& part : parts) bytes += part;
  auto whole = read_archive(bytes);
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->members.size(), 3U);
  for (std::size_t size = 0; size < bytes.size(); size++) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    auto archive = read_archive(cut);
    if (!archive) {
      EXPECT_EQ(archive.error().message(), "unexpected EOF") << size;
      continue;
    }
    EXPECT_EQ(archive->bytes, cut) << size;
    ASSERT_LE(archive->members.size(), 3U);
    std::size_t complete = 0;
    for (std::size_t i = 0; i < archive->members.size(); i++) {
      EXPECT_TRUE(archive->members[i].entry == whole->members[i].entry) << size;
      EXPECT_EQ(archive->members[i].content, whole->members[i].content) << size;
      complete += parts[i].size();
    }
    EXPECT_GE(size, complete);
  }
}

Entry random_entry(std::mt19937& random) {
  auto text = [&](std::size_t most) {
    std::string out;
    const bool ascii = random() % 3 != 0;
    for (std::size_t n = random() % (most + 1); n > 0; n--) {
      char c = random() % 12 == 0 ? '/' : static_cast<char>('a' + random() % 26);
      out += ascii || random() % 8 != 0 ? c : static_cast<char>(0x80 + random() % 0x80);
    }
    return out;
  };
  auto id = [&] {
    return static_cast<std::uint32_t>(random() % 4 == 0 ? random() : random() % 5000);
  };
  Entry e;
  e.type = static_cast<EntryType>('0' + random() % 7);
  e.name = text(random() % 4 == 0 ? 400 : 90) + "e";
  if (e.type == EntryType::Directory) e.name += '/';
  e.mode = static_cast<std::uint32_t>(random() % 010000);
  e.uid = id();
  e.gid = id();
  e.mtime.seconds = static_cast<std::int64_t>(random()) * (random() % 8 == 0 ? 8 : 1) -
                    (random() % 4 == 0 ? 5000000000 : 0);
  if (e.type == EntryType::Regular)
    e.size = static_cast<std::int64_t>(random() % 3 * (random() % 2000));
  if (random() % 2 == 0) e.linkname = text(random() % 4 == 0 ? 300 : 60);
  if (random() % 2 == 0) e.uname = text(40);
  if (random() % 2 == 0) e.gname = text(20);
  e.dev_major = static_cast<std::uint32_t>(random() % 4096);
  e.dev_minor = static_cast<std::uint32_t>(random() % (1U << 20));
  if (random() % 4 == 0)
    e.xattrs = {{"security.capability", text(20) + '\0'}, {"user.x", "v" + text(90)}};
  return e;
}

TEST(Reader, ReadsWhatTheWriterWrote) {
  std::mt19937 random(7);
  for (unsigned round = 0; round < 60; round++) {
    std::vector<Member> members;
    std::string bytes;
    for (int i = 0; i < 20; i++) {
      Member m{random_entry(random), {}};
      for (std::int64_t n = 0; n < m.entry.size; n++) m.content += static_cast<char>(random());
      ASSERT_TRUE(append_header(bytes, m.entry));
      bytes += m.content;
      bytes += padding(m.entry.size);
      members.push_back(std::move(m));
    }
    bytes += end_marker();
    Pieces source(bytes, round);
    auto archive = read_archive(source);
    ASSERT_TRUE(archive) << archive.error().message();
    EXPECT_EQ(archive->bytes, bytes);
    ASSERT_EQ(archive->members.size(), members.size());
    for (std::size_t i = 0; i < members.size(); i++) {
      EXPECT_TRUE(archive->members[i].entry == members[i].entry) << members[i].entry.name;
      EXPECT_EQ(archive->members[i].content, members[i].content);
    }
  }
}

TEST(Reader, RandomDamageGivesAnErrorOrAnArchive) {
  std::mt19937 random(11);
  std::string bytes = pax(record("path", "first") + record("mtime", "1.5")) + block("x", '0', 600) +
                      padded(std::string(600, 'c')) + gnu('L', "second") + block("x", '5', 0) +
                      kEnd;
  for (int i = 0; i < 3000; i++) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    auto archive = read_archive(damaged);
    if (!archive) continue;
    EXPECT_EQ(archive->bytes, damaged);
  }
}

class GnuTar : public testing::TestWithParam<const char*> {};

TEST_P(GnuTar, IsReadInEachOfItsFormats) {
  const std::string format = GetParam();
  TestDir temp("strata-tar-test-");
  const int dir = temp.fd();
  ASSERT_TRUE(write_file(dir, "file", "hello", 0640));
  ASSERT_TRUE(write_file(dir, "big", std::string(70000, 'b'), 04755));
  ASSERT_EQ(::linkat(dir, "file", dir, "hard", 0), 0);
  ASSERT_EQ(::symlinkat("file", dir, "link"), 0);
  ASSERT_EQ(::mkfifoat(dir, "pipe", 0600), 0);
  ASSERT_EQ(::mknodat(dir, "node", S_IFCHR | 0600, makedev(1, 3)), 0);
  const bool long_names = format != "v7" && format != "ustar";
  const std::string long_name = long_names ? std::string(200, 'n') : std::string(90, 'n');
  ASSERT_TRUE(write_file(dir, long_name, "long", 0644));
  ASSERT_EQ(::fchownat(dir, "big", long_names ? 3000000 : 1000, 7, 0), 0);
  ASSERT_EQ(::fchmodat(dir, "big", 04755, 0), 0);

  Command tar;
  tar.argv = {"tar",
              "--format=" + format,
              "--sort=name",
              "-C",
              "/proc/self/fd/" + std::to_string(dir),
              "-c",
              "."};
  tar.keep_fds = {dir};
  auto output = run_and_capture(tar);
  ASSERT_TRUE(output);
  // v7 leaves devices out, and says so.
  ASSERT_TRUE(output->status.success() || format == "v7") << output->err;

  Pieces source(output->out, 3);
  auto archive = read_archive(source);
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_EQ(archive->bytes, output->out);
  auto find = [&](const std::string& name) {
    auto at = std::find_if(archive->members.begin(), archive->members.end(),
                           [&](const Member& m) { return *clean_name(m.entry.name) == name; });
    EXPECT_NE(at, archive->members.end()) << name;
    return at == archive->members.end() ? Member() : *at;
  };
  EXPECT_EQ(find("").entry.type, EntryType::Directory);
  EXPECT_EQ(find("file").content, "hello");
  EXPECT_EQ(find("file").entry.mode, 0640U);
  EXPECT_EQ(find("hard").entry.type, EntryType::HardLink);
  EXPECT_EQ(*clean_name(find("hard").entry.linkname), "file");
  EXPECT_EQ(find("link").entry.type, EntryType::Symlink);
  EXPECT_EQ(find("link").entry.linkname, "file");
  EXPECT_EQ(find("big").content, std::string(70000, 'b'));
  EXPECT_EQ(find("big").entry.mode, 04755U);
  EXPECT_EQ(find("big").entry.uid, long_names ? 3000000U : 1000U);
  EXPECT_EQ(find("big").entry.gid, 7U);
  EXPECT_EQ(find(long_name).content, "long");
  if (format == "v7") return;
  EXPECT_EQ(find("pipe").entry.type, EntryType::Fifo);
  EXPECT_EQ(find("node").entry.type, EntryType::CharDevice);
  EXPECT_EQ(find("node").entry.dev_major, 1U);
  EXPECT_EQ(find("node").entry.dev_minor, 3U);
}

INSTANTIATE_TEST_SUITE_P(Formats, GnuTar, testing::Values("gnu", "oldgnu", "pax", "ustar", "v7"),
                         [](const auto& c) { return std::string(c.param); });

}  // namespace
}  // namespace strata::tar
