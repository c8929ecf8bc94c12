// Layers made of an upper directory: as it is (adopt) and as a copy of it (add_upper).
#include <filesystem>
#include <stop_token>
#include <thread>

#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "store/detail/store_fixture.h"
#include "store/layer_writer.h"
#include "tar/reader.h"

namespace strata {
namespace {

class AdoptedUpper : public StoreTest {};

TEST_F(AdoptedUpper, MayHaveDeletions) {
  auto bottom =
      must(apply(TarText().add(dir_entry("bin/")).add(file_entry("bin/a", 1), "a").end()));
  auto upper = must(store_->caches().create(true));
  int diff = upper->diff();
  ASSERT_EQ(::mkdirat(diff, "bin", 0755), 0);
  auto bin = must(open_dir(diff, "bin"));
  EXPECT_OK(make_whiteout(bin.get(), "a"));
  // The kernel links all whiteouts of an upper to one inode.
  ASSERT_EQ(::linkat(bin.get(), "a", diff, "gone", 0), 0);
  ASSERT_EQ(::mkdirat(diff, "new", 0700), 0);
  EXPECT_OK(set_opaque(diff, "new"));
  EXPECT_OK(write_file(diff, "new/file", "text", 0644));
  ASSERT_EQ(::linkat(diff, "new/file", diff, "new/other", 0), 0);
  auto overlay = "overlay2/" + upper->id();
  std::filesystem::create_directories(path(overlay + "/work/work"));
  std::filesystem::create_directories(path(overlay + "/work/incompat/volatile"));
  auto inode = must(stat_at(diff, "new/file")).st_ino;

  auto w = must(LayerWriter::adopt(*store_, upper));
  auto sealed = must(w.seal());
  EXPECT_EQ(sealed.size, 4);
  auto layer = must(w.publish(bottom.chain_id));
  EXPECT_EQ(layer.cache_id, upper->id());
  EXPECT_EQ(must(stat_at(AT_FDCWD, path(diff_path(layer, "new/file")))).st_ino, inode);
  EXPECT_TRUE(std::filesystem::is_empty(path(overlay + "/work")));
  EXPECT_EQ(mode(overlay + "/work"), 0700u);
  EXPECT_TRUE(there("overlay2/" + bottom.cache_id + "/committed"));

  std::string names;
  auto bytes = rebuilt(layer);
  StringSource source(bytes);
  tar::Reader reader(source);
  while (auto entry = must(reader.next()))
    names += fmt::format("{} {} {} {}\n", entry->name, static_cast<char>(entry->type), entry->size,
                         entry->linkname);
  EXPECT_EQ(names,
            "bin/ 5 0 \nbin/.wh.a 0 0 \n.wh.gone 0 0 \nnew/ 5 0 \nnew/.wh..wh..opq 0 0 \n"
            "new/file 0 4 \nnew/other 1 0 new/file\n");
  put_image({bottom.diff_id, layer.diff_id}, "app:1");
  upper.reset();
  expect_sound({"--expect-clean"});
}

/// An upper directory with everything that one can hold, but for large files.
class CopiedUpper : public StoreTest {
 protected:
  void fill(int diff) {
    ASSERT_EQ(::mkdirat(diff, "d", 02750), 0);
    ASSERT_EQ(::fchmodat(diff, "d", 02750, 0), 0);
    EXPECT_OK(set_opaque(diff, "d"));
    EXPECT_OK(set_xattr(diff, "d", "user.kept", "1"));
    EXPECT_OK(set_xattr(diff, "d", "trusted.overlay.impure", "y"));
    EXPECT_OK(write_file(diff, "d/file", "text", 0640));
    ASSERT_EQ(::fchownat(diff, "d/file", 1, 2, 0), 0);
    EXPECT_OK(set_xattr(diff, "d/file", "security.capability", kCapability));
    EXPECT_OK(set_xattr(diff, "d/file", "user.name", "value"));
    EXPECT_OK(set_xattr(diff, "d/file", "trusted.overlay.origin", "x"));
    ASSERT_EQ(::fchmodat(diff, "d/file", 04751, 0), 0);
    EXPECT_OK(set_xattr(diff, "d/file", "security.capability", kCapability));
    ASSERT_EQ(::linkat(diff, "d/file", diff, "d/other", 0), 0);
    EXPECT_OK(write_file(diff, "empty", "", 0600));
    ASSERT_EQ(::symlinkat("d/file", diff, "link"), 0);
    ASSERT_EQ(::linkat(diff, "link", diff, "link2", 0), 0);
    ASSERT_EQ(::mkfifoat(diff, "pipe", 0620), 0);
    ASSERT_EQ(::mknodat(diff, "sock", S_IFSOCK | 0600, 0), 0);
    EXPECT_OK(make_whiteout(diff, "gone"));
    ASSERT_EQ(::linkat(diff, "gone", diff, "gone2", 0), 0);
    timespec times[2] = {{5, 6}, {-7, 8}};
    for (const char* name : {"d/file", "link", "pipe", "empty", "d"})
      ASSERT_EQ(::utimensat(diff, name, times, AT_SYMLINK_NOFOLLOW), 0);
  }

  /// The layer that `upper` is copied to, and the one that a copy by `cp -a` is adopted as.
  LayerInfo expect_as_adopted(const CacheDir& upper, const ChainID& parent,
                              const std::vector<DiffID>& below) {
    auto w = writer(below);
    EXPECT_OK(w.add_upper(upper.diff()));
    auto sealed = must(w.seal());
    auto copy = must(store_->caches().create(true));
    run_tool({"cp", "-a", path("overlay2/" + upper.id() + "/diff") + "/.",
              path("overlay2/" + copy->id() + "/diff")});
    auto adopted = must(LayerWriter::adopt(*store_, std::move(copy)));
    auto expected = must(adopted.seal());
    EXPECT_EQ(sealed.diff_id, expected.diff_id);
    EXPECT_EQ(sealed.size, expected.size);
    return must(w.publish(parent));
  }
};

TEST_F(CopiedUpper, HasAllAndTheTarOfAnAdoptedOne) {
  auto bottom = must(apply(TarText().add(dir_entry("d")).add(file_entry("gone", 1), "x").end()));
  auto upper = must(store_->caches().create(true));
  fill(upper->diff());
  auto layer = expect_as_adopted(*upper, bottom.chain_id, {bottom.diff_id});
  auto diff = must(open_dir(AT_FDCWD, path(diff_path(layer))));
  for (const char* name : {"d", "d/file", "d/other", "empty", "link", "link2", "pipe", "gone"}) {
    auto before = must(stat_at(upper->diff(), name));
    auto after = must(stat_at(diff.get(), name));
    EXPECT_EQ(before.st_mode, after.st_mode) << name;
    EXPECT_EQ(before.st_uid, after.st_uid) << name;
    EXPECT_EQ(before.st_gid, after.st_gid) << name;
    EXPECT_EQ(before.st_rdev, after.st_rdev) << name;
    if (is_whiteout(before)) continue;
    EXPECT_EQ(before.st_nlink, after.st_nlink) << name;
    EXPECT_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec) << name;
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec) << name;
  }
  using Xattrs = std::vector<Xattr>;
  EXPECT_EQ(must(list_xattrs(diff.get(), "d")),
            (Xattrs{{"trusted.overlay.opaque", "y"}, {"user.kept", "1"}}));
  EXPECT_EQ(must(list_xattrs(diff.get(), "d/file")),
            (Xattrs{{"security.capability", kCapability}, {"user.name", "value"}}));
  EXPECT_EQ(must(read_file(diff.get(), "d/other")), "text");
  EXPECT_EQ(message_of(stat_at(diff.get(), "sock")), "lstat sock: no such file or directory");
  put_image({bottom.diff_id, layer.diff_id}, "app:1");
  upper.reset();
  expect_sound({"--expect-clean"});
}

TEST_F(CopiedUpper, LargeFilesAreCopiedBehindAndHolesStay) {
  auto bottom = must(apply(TarText().add(dir_entry("a")).end()));
  auto upper = must(store_->caches().create(true));
  for (std::size_t i = 0; i < 40; i++)
    EXPECT_OK(write_file(upper->diff(), fmt::format("f{}", i), std::string(100000 + i, 'a'), 0644));
  std::string text(3 << 20, 'b');
  text.replace(1 << 20, 4096, 4096, '\0');
  EXPECT_OK(write_file(upper->diff(), "dense", text, 0644));
  auto sparse = must(open_at(upper->diff(), "sparse", O_WRONLY | O_CREAT, 0644));
  ASSERT_EQ(::pwrite(sparse.get(), "middle", 6, (4 << 20) - 3), 6);
  ASSERT_EQ(::ftruncate(sparse.get(), 9 << 20), 0);
  auto layer = expect_as_adopted(*upper, bottom.chain_id, {bottom.diff_id});
  for (const char* name : {"f39", "dense", "sparse"})
    EXPECT_EQ(read(diff_path(layer, name)), must(read_file(upper->diff(), name))) << name;
  EXPECT_LT(must(stat_at(AT_FDCWD, path(diff_path(layer, "sparse")))).st_blocks * 512, 1 << 20);
  put_image({bottom.diff_id, layer.diff_id}, "app:1");
  upper.reset();
  expect_sound({"--expect-clean"});
}

TEST_F(CopiedUpper, AFileThatGrowsAndShrinksMeanwhileIsWhole) {
  auto upper = must(store_->caches().create(false));
  EXPECT_OK(write_file(upper->diff(), "before", std::string(2 << 20, 'b'), 0644));
  EXPECT_OK(write_file(upper->diff(), "log", "", 0644));
  auto log = must(open_at(upper->diff(), "log", O_WRONLY | O_APPEND));
  std::jthread container([&](const std::stop_token& stop) {
    for (std::size_t i = 0; !stop.stop_requested(); i++) {
      if (i % 64 == 63) EXPECT_EQ(::ftruncate(log.get(), 100), 0);
      EXPECT_OK(write_all(log.get(), std::string(5000, 'l')));
    }
  });
  for (int i = 0; i < 20; i++) {
    auto w = writer();
    EXPECT_OK(w.add_upper(upper->diff()));
    EXPECT_OK(w.seal());
    auto layer = must(w.publish(std::nullopt));
    EXPECT_EQ(sha256(rebuilt(layer)), layer.diff_id.digest());
  }
}

TEST_F(CopiedUpper, WhatAnEarlierCopyHasIsLinked) {
  auto bottom = must(apply(TarText().add(dir_entry("a")).end()));
  auto upper = must(store_->caches().create(true));
  EXPECT_OK(write_file(upper->diff(), "same", "same", 0644));
  EXPECT_OK(write_file(upper->diff(), "other", "first", 0644));
  auto sparse = must(open_at(upper->diff(), "sparse", O_WRONLY | O_CREAT, 0644));
  ASSERT_EQ(::pwrite(sparse.get(), "end", 3, 9 << 20), 3);
  auto first = expect_as_adopted(*upper, bottom.chain_id, {bottom.diff_id});
  auto times = must(stat_at(upper->diff(), "sparse"));
  ASSERT_EQ(::pwrite(sparse.get(), "END", 3, 9 << 20), 3);
  timespec kept[2] = {times.st_atim, times.st_mtim};
  ASSERT_EQ(::futimens(sparse.get(), kept), 0);  // so that only its content says that it is another
  EXPECT_OK(write_file(upper->diff(), "other", "second", 0644));

  auto w = writer({bottom.diff_id}, must(find_siblings(*store_, bottom.chain_id)));
  EXPECT_OK(w.add_upper(upper->diff()));
  must(w.seal());
  auto second = must(w.publish(bottom.chain_id));
  auto inode = [&](const LayerInfo& layer, const char* name) {
    return must(stat_at(AT_FDCWD, path(diff_path(layer, name)))).st_ino;
  };
  EXPECT_EQ(inode(first, "same"), inode(second, "same"));
  EXPECT_NE(inode(second, "same"), must(stat_at(upper->diff(), "same")).st_ino);
  EXPECT_NE(inode(first, "sparse"), inode(second, "sparse"));
  EXPECT_EQ(read(diff_path(second, "sparse")), must(read_file(upper->diff(), "sparse")));
  EXPECT_LT(must(stat_at(AT_FDCWD, path(diff_path(second, "sparse")))).st_blocks * 512, 1 << 20);
  EXPECT_EQ(read(diff_path(first, "other")), "first");
  EXPECT_EQ(read(diff_path(second, "other")), "second");
}

}  // namespace
}  // namespace strata
