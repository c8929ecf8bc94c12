#include "store/store.h"

#include <sys/file.h>

#include "store/detail/store_fixture.h"

namespace strata {
namespace {

class StoreOpen : public StoreTest {};

struct Directory {
  const char* path;
  mode_t mode;
};

TEST_F(StoreOpen, MakesTheLayoutWhateverTheUmask) {
  store_.reset();
  std::filesystem::remove_all(root_);
  auto before = ::umask(077);
  reopen();
  ::umask(before);
  for (const auto& [path, mode_wanted] : std::vector<Directory>{
           {".", 0710},
           {"image", 0700},
           {"image/overlay2", 0700},
           {"image/overlay2/imagedb/content/sha256", 0700},
           {"image/overlay2/imagedb/metadata/sha256", 0700},
           {"image/overlay2/layerdb", 0700},
           {"image/overlay2/layerdb/tmp", 0755},
           {"image/overlay2/layerdb/mounts", 0755},
           {"overlay2", 0710},
           {"overlay2/l", 0700},
           {"containers", 0710},
           {"volumes", 0701},
           {"volumes/metadata.db", 0600},
           {"strata", 0700},
       })
    EXPECT_EQ(mode(path), mode_wanted) << path;
  EXPECT_EQ(read("volumes/metadata.db"), "");
  EXPECT_TRUE(there("image/overlay2/repositories.json"));
}

TEST_F(StoreOpen, DoesNotTakeOverADirectoryWithOtherThings) {
  std::filesystem::create_directory(base_ + "/home");
  ::chmod((base_ + "/home").c_str(), 0755);
  std::ofstream(base_ + "/home/letter") << "x";
  auto other = must(Store::open(base_ + "/home", Store::Access::Read));
  EXPECT_EQ(must(stat_at(AT_FDCWD, base_ + "/home")).st_mode & 07777, 0755u);
}

TEST_F(StoreOpen, PathIsAbsoluteWithoutLinks) {
  std::filesystem::create_symlink(root_, base_ + "/link");
  auto other = must(Store::open(base_ + "/link", Store::Access::Read));
  EXPECT_EQ(other->path(), root_);
}

TEST_F(StoreOpen, WritersShareIt) {
  auto second = Store::open(root_, Store::Access::Write);
  EXPECT_TRUE(second) << message_of(second);
  EXPECT_OK(store_->sync());
}

/// Locks the file as a dockerd does, in a process of its own.
Process start_dockerd(const std::string& root) {
  auto ready = must(make_pipe());
  Command command;
  // One process from the lock to its end: nothing is left that would hold the test's output open.
  command.argv = {"flock",
                  "--no-fork",
                  "-x",
                  root + "/volumes/metadata.db",
                  "sh",
                  "-c",
                  "echo; exec sleep 1000"};
  command.stdout_fd = ready.write.get();
  auto process = must(Process::start(command));
  ready.write = UniqueFd();
  char byte = 0;
  EXPECT_EQ(must(read_full(ready.read.get(), &byte, 1)), 1u);
  return process;
}

TEST_F(StoreOpen, OnlyReadsWhereADockerdRuns) {
  EXPECT_EQ(running_dockerd(store_->dir()), std::nullopt);
  store_.reset();
  auto dockerd = start_dockerd(root_);
  auto before = contents();
  auto refused = Store::open(root_, Store::Access::Write);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::Conflict);
  EXPECT_EQ(refused.error().message(),
            fmt::format("dockerd (pid {}) is running on {}: strata only reads there; stop it or "
                        "use another --root",
                        dockerd.pid(), root_));
  EXPECT_EQ(contents(), before);
  auto reader = Store::open(root_, Store::Access::Read);
  ASSERT_TRUE(reader) << message_of(reader);
  EXPECT_TRUE(must((*reader)->images().list()).empty());
  EXPECT_EQ(running_dockerd((*reader)->dir()), dockerd.pid());
}

TEST_F(StoreOpen, AWriterKeepsDockerdAway) {
  UniqueFd lock(::open(path("volumes/metadata.db").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), -1);
  store_->release();
  EXPECT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(StoreOpen, ResolvesWhatUsersType) {
  auto first = put_image({}, "app:1");
  auto config = config_of({});
  config.author = "other";
  auto second = must(store_->images().put(encode_image_config(config), std::nullopt, false));
  auto hex = second.digest().hex();
  EXPECT_EQ(must(resolve_image(*store_, "app:1")), first);
  EXPECT_EQ(must(resolve_image(*store_, "docker.io/library/app:1")), first);
  EXPECT_EQ(must(resolve_image(*store_, hex)), second);
  EXPECT_EQ(must(resolve_image(*store_, second.str())), second);
  EXPECT_EQ(must(resolve_image(*store_, hex.substr(0, 12))), second);
  EXPECT_EQ(must(resolve_image(*store_, "sha256:" + hex.substr(0, 12))), second);
  // A name wins over a prefix.
  must(store_->references().set(must(Reference::parse_normalized(hex.substr(0, 12))), first));
  EXPECT_EQ(must(resolve_image(*store_, hex.substr(0, 12))), first);
  auto missing = resolve_image(*store_, "app");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(missing.error().message(), "No such image: app:latest");
  std::string zeros(64, '0');
  EXPECT_EQ(message_of(resolve_image(*store_, zeros)), "No such image: sha256:" + zeros);
}

}  // namespace
}  // namespace strata
