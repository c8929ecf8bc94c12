#include "store/layer_writer.h"

#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <map>
#include <random>
#include <thread>

#include "digest/digest.h"
#include "fs/xattr.h"
#include "store/detail/store_fixture.h"
#include "tar/reader.h"

namespace strata {
namespace {

using tar::EntryType;

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

class LayerWriterTest : public StoreTest {
 protected:
  /// One entry of every kind, as a walk would give them.
  void add_every_kind(LayerWriter& w) {
    add(w, dir_entry("bin", 0751));
    auto ping = file_entry("bin/ping", 4, 0755);
    ping.xattrs = {{"security.capability", kCapability}};
    add(w, ping, "ping");
    add(w, file_entry("bin/su", 2, 04755), "su");
    auto su2 = link_entry("bin/su2", "bin/su", EntryType::HardLink);
    su2.mode = 04755;
    add(w, su2);
    add(w, dir_entry("dev"));
    auto null = make_entry("dev/null", EntryType::CharDevice, 0666);
    null.dev_major = 1;
    null.dev_minor = 3;
    add(w, null);
    auto disk = make_entry("dev/sda", EntryType::BlockDevice, 0660);
    disk.dev_major = 8;
    disk.gid = 6;
    add(w, disk);
    add(w, make_entry("fifo", EntryType::Fifo, 0622));
    auto home = dir_entry("home", 02770);
    home.uid = 1000;
    home.gid = 3000000;
    add(w, home);
    add(w, dir_entry("home/" + std::string(120, 'd')));
    add(w, file_entry("home/" + std::string(120, 'd') + "/" + std::string(100, 'f'), 1), "1");
    auto file = file_entry("home/file", 0, 0600);
    file.mtime = {-1, 500};
    add(w, file);
    add(w, link_entry("lib", "usr/lib"));
    add(w, file_entry("tmp-\xff\xfe", 3, 0222), "raw");
    add(w, dir_entry("zero", 01777));
  }
};

struct Expected {
  const char* path;
  mode_t mode;  // with type
  uid_t uid;
  gid_t gid;
};

TEST_F(LayerWriterTest, EveryKindIsOnDiskAsItsEntrySays) {
  auto before = ::umask(077);
  auto w = writer();
  add_every_kind(w);
  auto sealed = must(w.seal());
  ::umask(before);
  EXPECT_EQ(sealed.size, 4 + 2 + 1 + 7 + 3);
  EXPECT_FALSE(sealed.empty);
  for (const auto& e : std::vector<Expected>{
           {"bin", S_IFDIR | 0751, 0, 0},
           {"bin/ping", S_IFREG | 0755, 0, 0},
           {"bin/su", S_IFREG | 04755, 0, 0},
           {"dev/null", S_IFCHR | 0666, 0, 0},
           {"dev/sda", S_IFBLK | 0660, 0, 6},
           {"fifo", S_IFIFO | 0622, 0, 0},
           {"home", S_IFDIR | 02770, 1000, 3000000},
           {"home/file", S_IFREG | 0600, 0, 0},  // its directory's setgid bit has no say
           {"lib", S_IFLNK | 0777, 0, 0},
           {"tmp-\xff\xfe", S_IFREG | 0222, 0, 0},
           {"zero", S_IFDIR | 01777, 0, 0},
       }) {
    auto st = must(stat_at(w.diff(), e.path));
    EXPECT_EQ(st.st_mode, e.mode) << e.path;
    EXPECT_EQ(st.st_uid, e.uid) << e.path;
    EXPECT_EQ(st.st_gid, e.gid) << e.path;
    if (std::string(e.path) != "home/file") {
      EXPECT_EQ(st.st_mtim.tv_sec, 1700000000) << e.path;
    }
  }
  EXPECT_EQ(must(stat_at(w.diff(), "home/file")).st_mtim.tv_sec, -1);
  EXPECT_EQ(must(stat_at(w.diff(), "home/file")).st_mtim.tv_nsec, 500);
  EXPECT_EQ(must(stat_at(w.diff(), "bin/su")).st_ino, must(stat_at(w.diff(), "bin/su2")).st_ino);
  EXPECT_EQ(must(stat_at(w.diff(), "dev/null")).st_rdev, makedev(1, 3));
  EXPECT_EQ(must(get_xattr(w.diff(), "bin/ping", "security.capability")), kCapability);
  EXPECT_EQ(must(read_file(w.diff(), "tmp-\xff\xfe")), "raw");
}

TEST_F(LayerWriterTest, TreeUpperAndThePythonToolGiveOneDiffID) {
  auto w = writer();
  add_every_kind(w);
  auto sealed = must(w.seal());
  auto layer = must(w.publish(std::nullopt));
  EXPECT_EQ(run_tool({"python3", tool("layer_tar.py"), path(diff_path(layer))}),
            layer.diff_id.str());
  {
    auto copy = must(store_->caches().create(true));
    run_tool({"cp", "-a", path(diff_path(layer)) + "/.", path("overlay2/" + copy->id() + "/diff")});
    auto adopted = must(LayerWriter::adopt(*store_, std::move(copy)));
    auto again = must(adopted.seal());
    EXPECT_EQ(again.diff_id, layer.diff_id);
    EXPECT_EQ(again.size, sealed.size);
  }
  put_image({layer.diff_id}, "app:1");
  expect_sound({"--expect-clean", "--rebuild-from-diff"});
}

TEST_F(LayerWriterTest, AnErrorOfTheLayingThreadNamesItsEntry) {
  auto w = writer();
  std::string big(3 << 20, 'b');
  add(w, file_entry("big", big.size()), big);
  add(w, file_entry("twice", 1), "1");
  StringSource again("2");
  auto error = w.add(file_entry("twice", 1), &again);
  StringSource later("3");
  if (error) error = w.add(file_entry("u", 1), &later);
  if (error) error = w.settle();
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().message(), "twice: open twice: file exists");
  EXPECT_FALSE(w.settle());
  EXPECT_FALSE(w.seal());
}

TEST_F(LayerWriterTest, ADroppedLayerWaitsForNothing) {
  auto w = writer();
  std::string big(30 << 20, 'b');
  add(w, file_entry("big", big.size()), big);
}

TEST_F(LayerWriterTest, ManyBatchesAndFilesOfAllSizes) {
  auto w = writer();
  unsigned seed = 1;
  TarText expected;
  std::map<std::string, std::string> files;
  for (std::size_t size : std::vector<std::size_t>{0, 1, 511, 512, 513, 4095, 70000, 1 << 20,
                                                   (1 << 20) - 512, 5 << 20})
    files[fmt::format("f{:08}", size)] = random_bytes(size, seed++);
  for (int i = 0; i < 3000; i++) files[fmt::format("g{:08}", i)] = random_bytes(700, seed++);
  for (const auto& [name, content] : files) {
    add(w, file_entry(name, content.size()), content);
    expected.add(file_entry(name, content.size()), content);
  }
  auto sealed = must(w.seal());
  EXPECT_EQ(sealed.diff_id.digest(), sha256(expected.end()));
  for (const auto& [name, content] : files)
    EXPECT_EQ(must(read_file(w.diff(), name)), content) << name;
  auto layer = must(w.publish(std::nullopt));
  put_image({layer.diff_id}, "app:1");
  expect_sound({"--expect-clean", "--rebuild-from-diff"});
}

TEST_F(LayerWriterTest, NoEntryIsDockersEmptyLayer) {
  for (bool expects_much : {false, true}) {
    auto w = writer();
    if (expects_much) w.expect_much();
    auto sealed = must(w.seal());
    EXPECT_TRUE(sealed.empty);
    EXPECT_EQ(sealed.diff_id.str(),
              "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
  }
}

TEST_F(LayerWriterTest, WhatIsExpectedDoesNotMatter) {
  for (std::size_t size : {1U, 1U << 20, 20U << 20}) {
    const auto content = random_bytes(size, 1);
    auto layer_of = [&](bool expects_much) {
      auto w = writer();
      if (expects_much) w.expect_much();
      add(w, file_entry("a", size), content);
      add(w, file_entry("b", 1), "b");
      must(w.settle());
      EXPECT_EQ(must(read_file(w.diff(), "a")), content);
      return must(w.seal()).diff_id;
    };
    EXPECT_EQ(layer_of(true), layer_of(false)) << size;
  }
}

TEST_F(LayerWriterTest, DeepTrees) {
  auto w = writer();
  std::string path;
  std::vector<std::string> paths;
  for (int i = 0; i < 200; i++) {
    path += (path.empty() ? "" : "/") + std::string("d");
    paths.push_back(path);
    add(w, dir_entry(path));
  }
  add(w, file_entry(path + "/file", 1), "x");
  for (auto p = paths.rbegin(); p != paths.rend(); ++p) add(w, file_entry(*p + "2", 1), "x");
  must(w.seal());
  for (const auto& p : paths) {
    EXPECT_EQ(must(stat_at(w.diff(), p)).st_mtim.tv_sec, 1700000000);
    EXPECT_EQ(must(read_file(w.diff(), p + "2")), "x");
  }
}

TEST_F(LayerWriterTest, DirectoriesHaveTheirTimesWhenTheNextStepStandsOnThem) {
  auto w = writer();
  add(w, dir_entry("a"));
  add(w, file_entry("a/f", 1), "x");
  auto cache = w.cache();
  EXPECT_EQ(must(stat_at(cache->diff(), "a")).st_mtim.tv_sec, 1700000000);
}

TEST_F(LayerWriterTest, WhatSettlesTakesNoMore) {
  for (auto size : {std::size_t{1}, std::size_t{4} << 20}) {  // at once, and by a thread of its own
    auto w = writer();
    add(w, dir_entry("a"));
    add(w, file_entry("a/f", size), std::string(size, 'x'));
    EXPECT_OK(w.begin_settling());
    auto late = w.add(file_entry("a/late", 0));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), ErrorCode::Internal);
    EXPECT_OK(w.settle());
    EXPECT_EQ(must(stat_at(w.diff(), "a")).st_mtim.tv_sec, 1700000000);
    EXPECT_EQ(must(read_file(w.diff(), "a/f")).size(), size);
    EXPECT_EQ(must(w.seal()).size, static_cast<std::int64_t>(size));
  }
}

struct BadAdd {
  const char* name;
  tar::Entry entry;
  const char* content;
  ErrorCode code;
};
class LayerWriterRefuses : public LayerWriterTest, public testing::WithParamInterface<BadAdd> {};

TEST_P(LayerWriterRefuses, AndLeavesNothing) {
  auto before = contents();
  {
    auto w = writer();
    add(w, file_entry("file", 1), "x");
    StringSource content(GetParam().content);
    auto result = w.add(GetParam().entry, &content);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), GetParam().code) << result.error().message();
    EXPECT_EQ(result.error().message().rfind(GetParam().entry.name, 0), 0u)
        << result.error().message();
    EXPECT_FALSE(w.publish(std::nullopt));
  }
  EXPECT_EQ(contents(), before);
}

tar::Entry owned_by_nobody() {
  auto entry = file_entry("z", 0);
  entry.uid = 0xffffffff;
  return entry;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, LayerWriterRefuses,
    testing::Values(BadAdd{"TooShort", file_entry("z", 5), "1234", ErrorCode::Corrupt},
                    BadAdd{"TooLong", file_entry("z", 3), "1234", ErrorCode::Corrupt},
                    BadAdd{"Twice", file_entry("file", 1), "x", ErrorCode::Conflict},
                    BadAdd{"NoParent", file_entry("no/z", 1), "x", ErrorCode::NotFound},
                    BadAdd{"ParentIsAFile", file_entry("file/z", 1), "x", ErrorCode::Conflict},
                    BadAdd{"DotDot", file_entry("../z", 1), "x", ErrorCode::InvalidArgument},
                    BadAdd{"Absolute", file_entry("/z", 1), "x", ErrorCode::InvalidArgument},
                    BadAdd{"LinkToNothing", link_entry("z", "none", EntryType::HardLink), "",
                           ErrorCode::InvalidArgument},
                    BadAdd{"NoSuchOwner", owned_by_nobody(), "", ErrorCode::InvalidArgument}),
    [](const auto& c) { return std::string(c.param.name); });

TEST_F(LayerWriterTest, DroppedAtAnyTimeLeavesNothing) {
  auto before = contents();
  { auto w = writer(); }
  {
    auto w = writer();
    w.expect_much();
  }
  {
    auto w = writer();
    add(w, file_entry("big", 8 << 20), random_bytes(8 << 20, 1));
  }
  {
    auto w = writer();
    add(w, dir_entry("d"));
    must(w.seal());
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(LayerWriterTest, TarSplitGivesTheTarBack) {
  auto w = writer();
  add_every_kind(w);
  auto layer = publish(std::move(w));
  EXPECT_EQ(sha256(rebuilt(layer)), layer.diff_id.digest());
}

TEST_F(LayerWriterTest, AChangedFileIsNoticedWhenTheLayerIsRead) {
  auto w = writer();
  add(w, file_entry("a", 3), "abc");
  auto layer = publish(std::move(w));
  auto read = [&] { return read_layer(*store_, layer, [](auto) { return Result<void>(); }); };
  EXPECT_OK(read());
  std::ofstream(path(diff_path(layer, "a"))) << "abd";
  EXPECT_EQ(read().error().code(), ErrorCode::Corrupt);
}

// --- publication

TEST_F(LayerWriterTest, WhatExistsAlreadyIsReturned) {
  auto tar = TarText().add(file_entry("a", 1), "a").end();
  auto first = must(apply(tar));
  auto before = contents();
  auto second = must(apply(tar));
  EXPECT_EQ(second.cache_id, first.cache_id);
  EXPECT_EQ(contents(), before);
}

TEST_F(LayerWriterTest, ChainsEndAt125Layers) {
  std::vector<DiffID> below;
  std::optional<ChainID> parent;
  for (int i = 0; i < 125; i++) {
    auto w = writer(below);
    add(w, file_entry("f" + std::to_string(i), 0));
    auto layer = publish(std::move(w), parent);
    below.push_back(layer.diff_id);
    parent = layer.chain_id;
  }
  auto before = contents();
  {
    auto w = writer(below);
    add(w, file_entry("more", 0));
    must(w.seal());
    auto layer = w.publish(parent);
    ASSERT_FALSE(layer);
    EXPECT_EQ(layer.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(layer.error().message(), "max depth exceeded");
  }
  EXPECT_EQ(contents(), before);
  put_image(below, "deep:1");
  expect_sound({"--expect-clean", "--rebuild-from-diff"});
}

TEST_F(LayerWriterTest, ThreadsThatPublishTheSameLayerAgree) {
  auto tar = TarText().add(file_entry("a", 3 << 20), random_bytes(3 << 20, 9)).end();
  constexpr int kThreads = 4;
  std::vector<std::string> cache_ids(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& id : cache_ids) threads.emplace_back([&] { id = must(apply(tar)).cache_id; });
  }
  for (const auto& id : cache_ids) EXPECT_EQ(id, cache_ids[0]);
  put_image({must(store_->layers().list())[0].diff_id}, "app:1");
  expect_sound();
}

TEST_F(LayerWriterTest, ProcessesThatPublishTheSameLayerAgree) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; i++) {
    pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      bool ok = true;
      for (int n = 0; n < 10; n++)
        ok = ok && apply(TarText().add(file_entry("f", 1), std::to_string(n)).end()).has_value();
      ::_exit(ok ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  auto layers = must(store_->layers().list());
  EXPECT_EQ(layers.size(), 10u);
  for (const auto& layer : layers)
    put_image({layer.diff_id}, "app:" + layer.diff_id.digest().hex().substr(0, 8));
  expect_sound();
}

// --- the base

TEST_F(LayerWriterTest, TheBaseIsMountedReadOnly) {
  auto a = must(apply(TarText().add(file_entry("a", 1), "a").add(file_entry("b", 1), "b").end()));
  auto b = must(apply(TarText().add(file_entry(".wh.a", 0)).end(), {a.diff_id}));
  auto base = must(layer_base(*store_, {a.diff_id, b.diff_id}));
  EXPECT_EQ(base.lowers.size(), 2u);
  auto root = must(mount_base(*store_, base));
  EXPECT_EQ(must(read_file(root.get(), "b")), "b");
  EXPECT_FALSE(stat_at(root.get(), "a"));
  EXPECT_FALSE(write_file(root.get(), "c", "", 0644));
  auto nothing = must(mount_base(*store_, {}));
  EXPECT_TRUE(must(list_dir(nothing.get())).empty());
  EXPECT_FALSE(write_file(nothing.get(), "c", "", 0644));
  auto missing = layer_base(*store_, {b.diff_id});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace strata
