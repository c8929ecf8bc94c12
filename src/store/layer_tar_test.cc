#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "store/detail/store_fixture.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

using tar::EntryType;

class LayerTar : public StoreTest {};

struct Accepted {
  const char* name;
  std::string tar;
  std::int64_t size;
};
class LayerTarAccepts : public LayerTar, public testing::WithParamInterface<Accepted> {};

TEST_P(LayerTarAccepts, AndGivesBackByteForByte) {
  auto layer = apply(GetParam().tar);
  ASSERT_TRUE(layer) << message_of(layer);
  EXPECT_EQ(layer->diff_id.digest(), sha256(GetParam().tar));
  EXPECT_EQ(layer->size, GetParam().size);
  EXPECT_EQ(rebuilt(*layer), GetParam().tar);
}

std::string zeros(std::size_t n) { return std::string(n, '\0'); }

tar::Entry with_xattr(tar::Entry entry, const std::string& key, const std::string& value) {
  entry.xattrs.emplace_back(key, value);
  return entry;
}

/// The size field of the header that is the last but for its padding, with the checksum redone.
std::string with_size(std::string header, const char* octal) {
  header.replace(124, 11, octal);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (char c : header.substr(0, 512)) sum += static_cast<unsigned char>(c);
  header.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

/// The first entry with another type flag and one byte of content.
std::string with_flag(std::string tar, char flag) {
  tar[156] = flag;
  return with_size(std::move(tar), "00000000001");
}

std::string header_of(const tar::Entry& entry) { return TarText().add(entry).open_end(); }

std::vector<Accepted> accepted() {
  return {
      Accepted{"NoBytesAtAll", "", 0},
      Accepted{"OnlyTheEnd", zeros(1024), 0},
      Accepted{"GnuEmpty", zeros(10240), 0},
      Accepted{"NoEndMarker", TarText().add(file_entry("a", 3), "abc").open_end(), 3},
      Accepted{"OneZeroBlock", TarText().add(file_entry("a", 3), "abc").raw(zeros(512)).open_end(),
               3},
      Accepted{"JunkBehindTheEnd",
               TarText().add(file_entry("a", 3), "abc").end() + zeros(20480) + "junk", 3},
      Accepted{"MuchBehindTheEnd",
               TarText().add(file_entry("a", 3), "abc").end() + std::string(3 << 20, 'j'), 3},
      Accepted{"RootEntry",
               TarText().add(dir_entry("./", 0711)).add(file_entry("./a", 1), "a").end(), 1},
      Accepted{"MissingParents", TarText().add(file_entry("a/b/c", 1), "x").end(), 1},
      Accepted{"ParentsAfterwards",
               TarText().add(file_entry("a/b", 1), "x").add(dir_entry("a/", 0700)).end(), 1},
      Accepted{"AFileWithASlash",
               with_flag(TarText().add(dir_entry("d/")).raw("x" + zeros(511)).end(), '0'), 1},
      Accepted{"AbsoluteNames", TarText().add(file_entry("/etc/passwd", 1), "x").end(), 1},
      Accepted{"Symlinks",
               TarText().add(link_entry("a", "/etc/passwd")).add(link_entry("b", "../..")).end(),
               11 + 5},
      Accepted{"HardLink",
               TarText()
                   .add(file_entry("a", 4), "abcd")
                   .add(link_entry("d/b", "./a", EntryType::HardLink))
                   .end(),
               4},
      Accepted{
          "HardLinkWithASize",
          TarText()
              .add(file_entry("a", 4), "abcd")
              .raw(with_size(header_of(link_entry("b", "a", EntryType::HardLink)), "00000000004"))
              .end(),
          4},
      Accepted{"HardLinkToASymlink",
               TarText()
                   .add(link_entry("a", "nowhere"))
                   .add(link_entry("b", "a", EntryType::HardLink))
                   .end(),
               7},
      Accepted{"Whiteouts",
               TarText()
                   .add(file_entry("d/.wh.x", 0))
                   .add(file_entry("d/.wh..wh..opq", 0))
                   .add(file_entry(".wh.y", 0))
                   .end(),
               0},
      Accepted{"WhiteoutWithContent", TarText().add(file_entry(".wh.y", 5), "bytes").end(), 0},
      Accepted{"AWhiteoutThenTheFile",
               TarText().add(file_entry(".wh.y", 0)).add(file_entry("y", 2), "yy").end(), 2},
      Accepted{"AufsLeftovers", TarText().add(file_entry(".wh..wh.plnk", 0)).end(), 0},
      Accepted{
          "ForeignXattrs",
          TarText().add(with_xattr(file_entry("f", 1), "com.apple.provenance", "x"), "f").end(), 1},
      Accepted{"LongAndRawNames",
               TarText()
                   .add(file_entry(std::string(200, 'n') + "/" + std::string(200, 'm'), 1), "x")
                   .add(file_entry("\xff\xfe", 1), "x")
                   .end(),
               2}};
}

INSTANTIATE_TEST_SUITE_P(Cases, LayerTarAccepts, testing::ValuesIn(accepted()),
                         [](const auto& c) { return std::string(c.param.name); });

TEST_F(LayerTar, EverythingAcceptedMakesASoundStore) {
  for (const auto& c : accepted())
    put_image({must(apply(c.tar)).diff_id}, std::string("app:") + c.name);
  expect_sound({});  // whiteouts in a bottom layer are a note
}

struct Refused {
  const char* name;
  std::string tar;
  const char* message;
};
class LayerTarRefuses : public LayerTar, public testing::WithParamInterface<Refused> {};

TEST_P(LayerTarRefuses, AndLeavesNothing) {
  auto before = contents();
  auto layer = apply(GetParam().tar);
  ASSERT_FALSE(layer);
  if (GetParam().message != nullptr) {  // else the words are another room's
    EXPECT_EQ(layer.error().message(), GetParam().message);
  }
  EXPECT_EQ(layer.error().message().rfind("tar entry \"", 0), 0u) << layer.error().message();
  EXPECT_EQ(contents(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LayerTarRefuses,
    testing::Values(
        Refused{"TheSameNameTwice",
                TarText().add(file_entry("a", 1), "x").add(file_entry("./a", 1), "y").end(),
                R"(tar entry "./a": duplicates of file paths not supported)"},
        Refused{"ADirectoryTwice", TarText().add(dir_entry("d/")).add(dir_entry("d")).end(),
                R"(tar entry "d": duplicates of file paths not supported)"},
        Refused{"DotDot", TarText().add(file_entry("a/../../up", 1), "x").end(), nullptr},
        Refused{"ThroughASymlink",
                TarText().add(link_entry("a", "/etc")).add(file_entry("a/cron", 1), "x").end(),
                R"(tar entry "a/cron": a is not a directory)"},
        Refused{"ThroughAFile",
                TarText().add(file_entry("a", 1), "x").add(file_entry("a/b/c", 1), "x").end(),
                R"(tar entry "a/b/c": a is not a directory)"},
        Refused{"HardLinkOutside",
                TarText().add(link_entry("a", "../../etc/passwd", EntryType::HardLink)).end(),
                nullptr},
        Refused{"HardLinkThroughASymlink",
                TarText()
                    .add(link_entry("a", "/etc"))
                    .add(link_entry("b", "a/passwd", EntryType::HardLink))
                    .end(),
                R"(tar entry "b": hard link to a/passwd, which is not in this layer)"},
        Refused{"HardLinkToNothing", TarText().add(link_entry("b", "a", EntryType::HardLink)).end(),
                R"(tar entry "b": hard link to a, which is not in this layer)"},
        Refused{"HardLinkToADirectory",
                TarText().add(dir_entry("a")).add(link_entry("b", "a", EntryType::HardLink)).end(),
                R"(tar entry "b": hard link to a, which is a directory)"},
        Refused{"HardLinkToAWhiteout",
                TarText()
                    .add(file_entry(".wh.a", 0))
                    .add(link_entry("b", "a", EntryType::HardLink))
                    .end(),
                R"(tar entry "b": hard link to a, which is not in this layer)"},
        Refused{"WhiteoutOfAFileOfTheLayer",
                TarText().add(file_entry("a", 1), "x").add(file_entry(".wh.a", 0)).end(), nullptr},
        Refused{"WhiteoutOfNothing", TarText().add(file_entry("d/.wh.", 0)).end(),
                R"(tar entry "d/.wh.": deletes no name)"},
        Refused{"WhiteoutOfTheParent", TarText().add(file_entry("d/.wh...", 0)).end(),
                R"(tar entry "d/.wh...": deletes no name)"},
        Refused{
            "OverlayXattr",
            TarText().add(with_xattr(dir_entry("d/"), "trusted.overlay.redirect", "/etc")).end(),
            R"(tar entry "d/": attribute "trusted.overlay.redirect" is overlayfs's own)"},
        Refused{"ReplacesADirectoryInUse",
                TarText().add(file_entry("a/b", 1), "x").add(file_entry("a", 1), "y").end(),
                R"(tar entry "a": replace directory: directory not empty)"},
        Refused{"RootIsALink", TarText().add(link_entry(".", "/etc")).end(),
                R"(tar entry ".": is the root of the layer)"},
        Refused{
            "Truncated",
            TarText().add(file_entry("a", 2000), std::string(2000, 'x')).open_end().substr(0, 1500),
            nullptr},
        Refused{"PathTooLong",
                [] {
                  std::string name;
                  while (name.size() < 5000) name += "d/";
                  return TarText().add(file_entry(name + "f", 1), "x").end();
                }(),
                nullptr}),
    [](const auto& c) { return std::string(c.param.name); });

TEST_F(LayerTar, MarksBecomeDevicesAndXattrs) {
  auto owner = file_entry("d/.wh.x", 0);
  owner.uid = 5;
  auto layer = must(
      apply(TarText().add(dir_entry("d/")).add(owner).add(file_entry("e/.wh..wh..opq", 0)).end()));
  auto diff = must(store_->caches().open_diff(layer.cache_id));
  auto st = must(stat_at(diff.get(), "d/x"));
  EXPECT_TRUE(is_whiteout(st));
  EXPECT_EQ(st.st_uid, 5u);
  EXPECT_EQ(st.st_mode & 07777, 0u);
  EXPECT_TRUE(must(is_opaque(diff.get(), "e")));
  EXPECT_FALSE(must(is_opaque(diff.get(), "d")));
  EXPECT_EQ(must(stat_at(diff.get(), "d")).st_mtim.tv_sec, 1700000000);
}

TEST_F(LayerTar, MadeParentsArePlain) {
  auto before = ::umask(077);
  auto layer =
      must(apply(TarText().add(file_entry("a/b", 1), "x").add(dir_entry("c/", 02711)).end()));
  ::umask(before);
  EXPECT_EQ(mode(diff_path(layer)), 0755u);
  EXPECT_EQ(mode(diff_path(layer, "a")), 0755u);
  EXPECT_EQ(mode(diff_path(layer, "c")), 02711u);
}

TEST_F(LayerTar, TheLastNameSaysWhatAFileIs) {
  auto link = link_entry("b", "a", EntryType::HardLink);
  link.mode = 0600;
  link.uid = 7;
  auto layer = must(apply(TarText().add(file_entry("a", 1), "x").add(link).end()));
  EXPECT_EQ(mode(diff_path(layer, "a")), 0600u);
  EXPECT_EQ(must(stat_at(AT_FDCWD, path(diff_path(layer, "a")))).st_uid, 7u);
}

TEST_F(LayerTar, XattrsAreSet) {
  auto layer = must(apply(TarText().add(with_xattr(file_entry("f", 1), "user.a", "b"), "f").end()));
  auto diff = must(store_->caches().open_diff(layer.cache_id));
  EXPECT_EQ(must(get_xattr(diff.get(), "f", "user.a")), "b");
}

/// GNU tar's own archive of a real tree: other header formats than ours.
TEST_F(LayerTar, GnuTar) {
  auto tree = base_ + "/tree";
  std::filesystem::create_directories(tree + "/" + std::string(150, 'd'));
  std::ofstream(tree + "/" + std::string(150, 'd') + "/" + std::string(150, 'f')) << "long";
  std::ofstream(tree + "/file") << std::string(3 << 20, 'x');
  std::filesystem::create_hard_link(tree + "/file", tree + "/link");
  std::filesystem::create_symlink("file", tree + "/symlink");
  ASSERT_EQ(::mkfifo((tree + "/fifo").c_str(), 0600), 0);
  for (const auto* format : {"gnu", "posix", "ustar"}) {
    Command command;
    command.argv = {"tar", "-C", tree, "-cf", base_ + "/a.tar", fmt::format("--format={}", format),
                    "."};
    if (std::string(format) == "ustar") command.argv.back() = "file";
    ASSERT_TRUE(must(run_and_capture(std::move(command))).status.success());
    auto bytes = must(read_file(AT_FDCWD, base_ + "/a.tar"));
    auto layer = must(apply(bytes));
    EXPECT_EQ(layer.diff_id.digest(), sha256(bytes));
    EXPECT_TRUE(rebuilt(layer) == bytes);
    put_image({layer.diff_id}, fmt::format("app:{}", format));
  }
  expect_sound({"--expect-clean"});
}

/// What a tar says is in `diff` afterwards is what a tar of `diff` says: untar, then tar.
TEST_F(LayerTar, OwnTarsComeBackFromDiff) {
  auto w = writer();
  add(w, dir_entry("a", 0700));
  add(w, file_entry("a/b", 3, 04711), "abc");
  add(w, link_entry("a/c", "a/b"));
  auto sealed = must(w.seal());
  auto first = must(w.publish(std::nullopt));
  auto bytes = rebuilt(first);
  EXPECT_OK(store_->layers().remove(first.chain_id));
  auto again = must(apply(bytes));
  EXPECT_EQ(again.diff_id, sealed.diff_id);
  EXPECT_OK(store_->caches().remove(first.cache_id));
  put_image({again.diff_id}, "app:1");
  expect_sound({"--expect-clean", "--rebuild-from-diff"});
}

}  // namespace
}  // namespace strata
