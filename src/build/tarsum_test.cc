#include "build/tarsum.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/test_dir.h"

namespace strata::build {
namespace {

// The sums in these tests were seen on a live docker (CLI 20.10 and 28) and dockerd 20.10.24.

struct HeaderCase {
  const char* name;
  TarsumHeader header;
  std::string content;
  std::string sum;
};
class TarsumHeaders : public testing::TestWithParam<HeaderCase> {};

TEST_P(TarsumHeaders, GiveDockersSum) {
  auto hasher = begin_tarsum(GetParam().header);
  hasher.update(GetParam().content);
  EXPECT_EQ(hasher.finish().hex(), GetParam().sum);
}

TarsumHeader file(std::string name, std::int64_t size) {
  TarsumHeader h;
  h.name = std::move(name);
  h.mode = 0644;
  h.size = size;
  return h;
}

TarsumHeader owned(TarsumHeader h, uid_t uid, gid_t gid) {
  h.uid = uid;
  h.gid = gid;
  return h;
}

TarsumHeader with_xattr(TarsumHeader h) {
  h.xattrs = {{"user.foo", "bar"}};
  return h;
}

TarsumHeader hard_link() {
  TarsumHeader h = file("h", 0);
  h.type = '1';
  h.linkname = "a";
  return h;
}

TarsumHeader download() {
  TarsumHeader h = file("f.bin", 4);
  h.mode = S_IFREG | 0600;
  h.uname = h.gname = "root";
  return h;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TarsumHeaders,
    testing::Values(HeaderCase{"Download", download(), "data",
                               "d9ee95b33e46d5578b03b038a973efdf95c00071a9843b27f2646d890deb63eb"},
                    HeaderCase{"File", file("a", 1), "1",
                               "4ce57d7c4e3f323fd1d60451b5629b642ed2f4908ae29d2a6b3cadc7ceb61e58"},
                    HeaderCase{"DotSlash", file("./a", 1), "1",
                               "b3755d8c3af82ed4fe077947ba7e418b1690d9b734babf9a40647e201d505198"},
                    HeaderCase{"Owner", owned(file("./a", 1), 7, 8), "1",
                               "57f77b3f3fe7e2be00c391098dcacf2ddaaa1f9bf0a9a44a295f77bbbea65e06"},
                    HeaderCase{"Xattr", with_xattr(file("./a", 1)), "1",
                               "39bf38e636f662ae7f1e435f13afd51fa4a709cc244965b29d0c9973aba827e5"},
                    HeaderCase{"HardLink", hard_link(), "",
                               "ca9a5561f08f3a772a7a27608f6dedadd398d25560c9b6fdc22c0c52ba980547"}),
    [](const auto& c) { return std::string(c.param.name); });

class TarsumTree : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file(dir_.fd(), name, text, 0644));
  }
  void make_directory(const std::string& name) { ASSERT_TRUE(make_dirs(dir_.fd(), name, 0755)); }
  std::string sum(const std::string& path) {
    SourceTree tree(dir_.fd(), {});
    Tarsums sums(tree, SumOwner::Root);
    auto found = tree.find(path);
    if (!found) return found.error().message();
    auto text = sums.of(*found);
    return text ? *text : text.error().message();
  }

  TestDir dir_{"tarsum-test-"};
};

TEST_F(TarsumTree, OfADirectoryCoversItselfAndItsFiles) {
  make_directory("d");
  write("d/x", "2");
  EXPECT_EQ(sum("d"), "dir:bc701652dba45a2730660370d7343bd71fde307d3073aed259f69ff961f75346");
}

TEST_F(TarsumTree, OfLinksThatLeadNowhereIsTheirName) {
  make_directory("dd");
  ASSERT_EQ(::symlinkat("nope", dir_.fd(), "dd/l"), 0);
  ASSERT_EQ(::symlinkat("/etc/passwd", dir_.fd(), "dd/abs"), 0);
  EXPECT_EQ(sum("dd"), "dir:6103385d99e3a06ac55b59eed07302e7d57decfdd5a3a3f1c230f3e003b50e64");
}

TEST_F(TarsumTree, OfALinkIsThatOfItsTarget) {
  write("a", "1");
  ASSERT_EQ(::symlinkat("a", dir_.fd(), "link"), 0);
  EXPECT_EQ(sum("link"), sum("a"));
}

TEST_F(TarsumTree, FollowsContentButNotTime) {
  write("a", "1");
  auto before = sum("a");
  timespec old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(dir_.fd(), "a", old, 0), 0);
  EXPECT_EQ(sum("a"), before);
  write("a", "2");
  EXPECT_NE(sum("a"), before);
}

// A hard link's content counts: docker hashes its header alone and serves a stale image.
TEST_F(TarsumTree, FollowsTheContentOfAHardLink) {
  write("a", "1");
  ASSERT_EQ(::linkat(dir_.fd(), "a", dir_.fd(), "z", 0), 0);
  auto before = sum("z");
  write("a", "2");
  EXPECT_NE(sum("z"), before);
}

std::string sum_of(TarsumHeader header, std::string_view content) {
  auto hasher = begin_tarsum(header);
  hasher.update(content);
  return hasher.finish().hex();
}

// As docker's CLI 20.10 sends it: with the type in the mode.
TarsumHeader file20(std::string name, std::int64_t size) {
  TarsumHeader h = file(std::move(name), size);
  h.mode |= S_IFREG;
  return h;
}

std::string of_members(std::vector<std::string> members) {
  std::sort(members.begin(), members.end());
  std::string text;
  for (const auto& member : members) text += (text.empty() ? "" : ",") + member;
  return "dir:" + sha256(text).hex();
}

// What other clients than Strata's model send gives the sums that were seen, too: the rule is
// right.
TEST(Tarsums, OfOtherClients) {
  EXPECT_EQ(sum_of(file20("a", 1), "1"),
            "9acfe44bc41c53d4c6820a53f4bbf77a546915a6245f5c7bf15fb183d48bc470");
  TarsumHeader directory = file("d/", 0);
  directory.type = '5';
  directory.mode = S_IFDIR | 0755;
  EXPECT_EQ(of_members({sum_of(directory, ""), sum_of(file20("d/x", 1), "2")}),
            "dir:ece94d8378ff2c24d803da43082f7d29d8d2b4168e743d77401008f479b8259b");
  EXPECT_EQ(of_members({"d", sum_of(file("d/x", 1), "2")}),
            "dir:5bcef159349eec9dcfc5de1adc28d201a20beea7962b9d3c5fcde4a554fe35a8");
  EXPECT_EQ(Tarsums::combine(
                {"file:" + sum_of(file20("a", 1), "1"), "file:" + sum_of(file20("b", 2), "22")}),
            "multi:fad80ea671bc8c6d27c97cf9ca833d4297c8bfe9e18ae1b27e224b603695b420");
  EXPECT_EQ(Tarsums::combine({"file:" + sum_of(file20("q.txt", 1), "q"),
                              "file:" + sum_of(file20("r.txt", 1), "r")}),
            "multi:31f438bf5b9964fa6f150cb544cb1ee34c06afad3a601342fe3aafe3c9d26e1c");
}

TEST(Tarsums, CombinesSeveralSources) {
  EXPECT_EQ(Tarsums::combine({"file:ab"}), "file:ab");
  auto both = Tarsums::combine({"file:ab", "dir:cd"});
  EXPECT_EQ(both, "multi:" + sha256("file:ab,dir:cd").hex());
}

}  // namespace
}  // namespace strata::build
