#include "archive/members.h"

#include <fcntl.h>
#include <unistd.h>

#include "archive/detail/archive_fixture.h"
#include "compress/gzip_writer.h"

namespace strata::archive {
namespace {

std::string content(const Members& members, const std::string& name) {
  auto text = read_document(members, name);
  return text ? *text : "error: " + text.error().message();
}

std::string gzip(std::string_view bytes) {
  std::string out;
  GzipWriter writer([&](std::string_view piece) -> Result<void> {
    out += piece;
    return {};
  });
  EXPECT_TRUE(writer.write(bytes));
  EXPECT_TRUE(writer.finish());
  return out;
}

TEST(TarMembers, AreReadInAnyOrderAndTheLastOfEqualNamesCounts) {
  auto members = index_text(TarText()
                                .file("./a", "first")
                                .file("d//b", std::string(5000, 'b'))
                                .file("a", "second")
                                .end());
  ASSERT_TRUE(members) << message_of(members);
  EXPECT_EQ(content(**members, "d/b"), std::string(5000, 'b'));
  EXPECT_EQ(content(**members, "a"), "second");
  EXPECT_EQ(content(**members, "c"), "error: c: no such member");
  EXPECT_EQ(*(*members)->names(), (std::vector<std::string>{"a", "d/b"}));
}

TEST(TarMembers, LinksAreFollowedInsideTheArchive) {
  auto members = index_text(TarText()
                                .file("x/layer.tar", "layer")
                                .link("y/layer.tar", "../x/layer.tar")
                                .link("z/layer.tar", "y/layer.tar", tar::EntryType::HardLink)
                                .link("loop", "pool")
                                .link("pool", "loop")
                                .link("nowhere", "x/none")
                                .end());
  ASSERT_TRUE(members) << message_of(members);
  EXPECT_EQ(content(**members, "y/layer.tar"), "layer");
  EXPECT_EQ(content(**members, "z/layer.tar"), "layer");
  EXPECT_EQ(content(**members, "loop"), "error: loop: too many levels of symbolic links");
  EXPECT_EQ(content(**members, "nowhere"), "error: nowhere: no such member");
}

TEST(TarMembers, OfOtherKindsAreNotRead) {
  tar::Entry fifo;
  fifo.name = "manifest.json";
  fifo.type = tar::EntryType::Fifo;
  auto members = index_text(TarText().put(fifo).end());
  ASSERT_TRUE(members) << message_of(members);
  EXPECT_EQ(content(**members, "manifest.json"), "error: manifest.json: not a regular file");
}

TEST(TarMembers, NamesAndLinksThatLeadOutAreRefused) {
  EXPECT_EQ(message_of(index_text(TarText().file("a/../../b", "").end())),
            "tar entry a/../../b: its name leads out of the archive");
  EXPECT_EQ(message_of(index_text(TarText().link("a/b", "../../c").end())),
            "tar entry a/b: its link leads out of the archive");
  EXPECT_EQ(message_of(index_text(TarText().link("a", "/etc/passwd").end())),
            "tar entry a: its link leads out of the archive");
  EXPECT_EQ(message_of(index_text(TarText().link("a", "../b", tar::EntryType::HardLink).end())),
            "tar entry a: its link leads out of the archive");
}

TEST(TarMembers, ATruncatedArchiveIsCorrupt) {
  auto tar = TarText().file("a", std::string(2000, 'a')).end();
  EXPECT_EQ(message_of(index_text(tar.substr(0, 1500))), "tar entry a: unexpected EOF");
  EXPECT_EQ(message_of(index_text(tar.substr(0, 300))), "unexpected EOF");
  EXPECT_NE(message_of(index_text(std::string(2000, 'x'))).find("invalid tar header"),
            std::string::npos);
}

TEST(TarMembers, ADocumentHasALimit) {
  auto members = index_text(
      TarText().file("a", std::string(static_cast<std::size_t>(kMaxDocument) + 1, ' ')).end());
  ASSERT_TRUE(members) << message_of(members);
  EXPECT_EQ(content(**members, "a"), "error: a: larger than 4194304 bytes");
}

TEST(OpenMembers, ReadsCompressedFilesPipesAndFilesFromTheirOffset) {
  UniqueFd spool(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto tar = TarText().file("a", "content").end();
  auto file = memory_file("junk" + tar);
  ::lseek(file.get(), 4, SEEK_SET);
  auto members = open_members(std::move(file), spool.get(), {});
  ASSERT_TRUE(members) << message_of(members);
  EXPECT_EQ(content(**members, "a"), "content");

  auto packed = open_members(memory_file(gzip(tar)), spool.get(), {});
  ASSERT_TRUE(packed) << message_of(packed);
  EXPECT_EQ(content(**packed, "a"), "content");

  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd out(ends[0]);
  {
    UniqueFd in(ends[1]);
    ASSERT_TRUE(write_all(in.get(), gzip(tar)));
  }
  auto piped = open_members(std::move(out), spool.get(), {});
  ASSERT_TRUE(piped) << message_of(piped);
  EXPECT_EQ(content(**piped, "a"), "content");
}

TEST(OpenMembers, GivesUpOnASilentPipeWhenAsked) {
  UniqueFd spool(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd in(ends[1]);
  std::stop_source stop;
  stop.request_stop();
  auto members = open_members(UniqueFd(ends[0]), spool.get(), stop.get_token());
  ASSERT_FALSE(members);
  EXPECT_EQ(members.error().code(), ErrorCode::Cancelled);
}

}  // namespace
}  // namespace strata::archive
