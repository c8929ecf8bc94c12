#include "build/unpack.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/io.h"
#include "base/test_dir.h"
#include "tar/writer.h"

namespace strata::build {
namespace {

struct Member {
  std::string name;
  tar::EntryType type = tar::EntryType::Regular;
  std::string text = {};  // content, or the target of a link
  std::int64_t mtime = 100;
  std::uint32_t mode = 0644;
};

std::string archive(const std::vector<Member>& members) {
  std::string out;
  for (const auto& m : members) {
    tar::Entry e;
    e.name = m.name;
    e.type = m.type;
    e.mode = m.mode;
    e.mtime = {m.mtime, 0};
    bool regular = m.type == tar::EntryType::Regular;
    if (regular)
      e.size = static_cast<std::int64_t>(m.text.size());
    else
      e.linkname = m.text;
    EXPECT_TRUE(tar::append_header(out, e));
    if (regular) out += m.text + std::string(tar::padding_size(e.size), '\0');
  }
  out += tar::end_marker();
  return out;
}

using enum tar::EntryType;

class Unpack : public testing::Test {
 protected:
  Result<void> unpack_members(const std::vector<Member>& members, Marks marks = Marks::Names) {
    auto bytes = archive(members);
    StringSource source(bytes);
    return unpack(dir_.fd(), source, marks, {});
  }
  std::string text(const std::string& name) {
    auto content = read_file(dir_.fd(), name);
    return content ? *content : content.error().message();
  }
  struct stat stat_of(const std::string& name) {
    auto st = stat_at(dir_.fd(), name);
    EXPECT_TRUE(st) << name;
    struct stat none = {};
    return st ? *st : none;
  }
  bool there(const std::string& name) { return static_cast<bool>(stat_at(dir_.fd(), name)); }

  TestDir dir_{"strata-unpack-"};
};

TEST_F(Unpack, TheLaterEntryOfANameWins) {
  ASSERT_TRUE(unpack_members({{"x", Regular, "1"},
                              {"x", Regular, "22"},
                              {"d", Directory},
                              {"d/i", Regular, "i"},
                              {"d", Regular, "file"},
                              {"f", Regular, "f"},
                              {"f", Directory},
                              {"f/in", Regular, "in"},
                              {"l", Symlink, "x"},
                              {"l", Regular, "no link"}}));
  EXPECT_EQ(text("x"), "22");
  EXPECT_EQ(text("d"), "file");
  EXPECT_EQ(text("f/in"), "in");
  EXPECT_EQ(text("l"), "no link");
}

TEST_F(Unpack, NothingLeavesTheRoot) {
  ASSERT_TRUE(unpack_members({{"../../up", Regular, "up"},
                              {"/lead", Regular, "lead"},
                              {"a/../../b", Regular, "b"},
                              {"out", Symlink, "../../../.."},
                              {"out/through", Regular, "through"},
                              {"abs", Symlink, "/"},
                              {"abs/also", Regular, "also"}}));
  for (const char* name : {"up", "lead", "b", "through", "also"}) EXPECT_TRUE(there(name)) << name;
  EXPECT_FALSE(unpack_members({{"h", HardLink, "../../../../etc/passwd"}}));
}

TEST_F(Unpack, LinksOnTheWayAreFollowed) {
  ASSERT_TRUE(unpack_members({{"g", Directory}, {"l", Symlink, "g"}, {"l/in", Regular, "in"}}));
  EXPECT_EQ(text("g/in"), "in");
  auto nowhere = unpack_members({{"n", Symlink, "/nope"}, {"n/x", Regular, "x"}});
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().message().ends_with("no such file or directory"));
  EXPECT_FALSE(there("nope"));
}

TEST_F(Unpack, HardLinksAreOneFile) {
  ASSERT_TRUE(unpack_members({{"x", Regular, "x"}, {"d/h", HardLink, "./x"}}));
  EXPECT_EQ(stat_of("x").st_ino, stat_of("d/h").st_ino);
  auto bad = unpack_members({{"y", HardLink, "nope"}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message(), "link /nope /y: no such file or directory");
}

TEST_F(Unpack, DirectoriesGetTheirTimesLast) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "old", 0755), 0);
  timespec times[2] = {{50, 0}, {50, 0}};
  ASSERT_EQ(::utimensat(dir_.fd(), "old", times, 0), 0);
  ASSERT_TRUE(unpack_members({{"d", Directory, "", 70, 0700},
                              {"d/x", Regular, "", 80},
                              {"old/x", Regular, "", 90},
                              {"made/deep/x", Regular, "", 60},
                              {"made/y", Regular, "", 65}}));
  EXPECT_EQ(stat_of("d").st_mtim.tv_sec, 70);
  EXPECT_EQ(stat_of("d").st_mode & 07777, 0700U);
  EXPECT_EQ(stat_of("old").st_mtim.tv_sec, 50);
  EXPECT_EQ(stat_of("made/deep").st_mtim.tv_sec, 60);
  EXPECT_EQ(stat_of("made").st_mtim.tv_sec, 65);
  EXPECT_EQ(stat_of("made").st_mode & 07777, 0755U);
}

TEST_F(Unpack, MarksAreNamesOrRefusedOrDelete) {
  ASSERT_TRUE(unpack_members({{".wh.x", Regular, "name"}, {"x", Regular, "x"}}));
  EXPECT_EQ(text(".wh.x"), "name");
  auto refused = unpack_members({{"a/.wh.b/c", Regular, ""}}, Marks::Refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "/a/.wh.b/c: a layer cannot hold a name that begins with .wh.");
  ASSERT_TRUE(unpack_members({{"d/old", Regular, ""}}));
  ASSERT_TRUE(unpack_members({{".wh.x", Regular, ""}, {"d/.wh..wh..opq", Regular, ""}, {"d/new"}},
                             Marks::Delete));
  EXPECT_FALSE(there("x"));
  EXPECT_FALSE(there("d/old"));
  EXPECT_TRUE(there("d/new"));
}

TEST_F(Unpack, TellsDamage) {
  auto bytes = archive({{"x", Regular, std::string(5000, 'x')}}).substr(0, 3000);
  StringSource source(bytes);
  auto done = unpack(dir_.fd(), source, Marks::Names, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "unexpected EOF");
}

TEST_F(Unpack, StopsWhenItIsAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  auto bytes = archive({{"x", Regular, "x"}});
  StringSource source(bytes);
  auto done = unpack(dir_.fd(), source, Marks::Names, stop.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::Cancelled);
}

}  // namespace
}  // namespace strata::build
