#include "store/cache_mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <tuple>

#include "base/io.h"
#include "base/temp_dir.h"
#include "digest/digest.h"
#include "fs/walk.h"

namespace strata {
namespace {

constexpr const char* kDirectory = "cache-mounts";
constexpr auto kLockPoll = std::chrono::milliseconds(50);
constexpr std::int64_t kBlockSize = 512;  // bytes, of st_blocks
constexpr std::size_t kNameDigits = 32;   // of the sha256 of the id

Result<UniqueFd> open_directory(int own_dir) {
  TRY(make_dirs(own_dir, kDirectory, 0700));
  return open_dir(own_dir, kDirectory);
}

std::string lock_name(const std::string& name) { return name + ".lock"; }

/// flock(2) cannot be waited for and cancelled, so it is tried again and again.
Result<FileLock> wait_for_lock(int dir, const std::string& name, FileLock::Mode mode,
                               const std::stop_token& stop) {
  for (;;) {
    auto lock = FileLock::try_acquire(dir, lock_name(name), mode);
    if (lock || lock.error().code() != ErrorCode::Conflict) return lock;
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    std::this_thread::sleep_for(kLockPoll);
  }
}

/// Makes the cache complete under another name first, so that a killed fill leaves none.
Result<void> make_cache(int dir, const std::string& name, const std::string& id,
                        const CacheMount::Fill& fill) {
  auto fresh = TRY(TempDir::create(dir, "new-"));
  TRY(write_file(fresh.fd(), "id", id, 0600));
  TRY(make_dirs(fresh.fd(), "data", 0755));
  auto data = TRY(open_dir(fresh.fd(), "data"));
  TRY(fill(data.get()));
  auto done = fresh.publish(dir, name);
  if (!done && done.error().code() != ErrorCode::Conflict) return done;
  return {};  // Conflict: another one who shares it was faster
}

/// What all below `dir` takes, files with several names once.
Result<std::int64_t> size_on_disk(int dir) {
  std::int64_t size = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  TRY(walk_tree(dir, [&](const WalkEntry& e) -> Result<WalkStep> {
    if (e.st.st_nlink < 2 || S_ISDIR(e.st.st_mode) ||
        seen.insert({e.st.st_dev, e.st.st_ino}).second)
      size += e.st.st_blocks * kBlockSize;
    return WalkStep::Enter;
  }));
  return size;
}

bool is_cache_name(const std::string& name) {
  return name.size() >= kNameDigits && !name.starts_with("new-") && !name.ends_with(".lock") &&
         !name.starts_with("removed-");
}

}  // namespace

Result<CacheMount> CacheMount::acquire(int own_dir, const std::string& id, Sharing sharing,
                                       const Fill& fill, const std::stop_token& stop) {
  auto dir = TRY(open_directory(own_dir));
  std::string name = sha256(id).hex().substr(0, kNameDigits);
  std::optional<FileLock> lock;
  if (sharing == Sharing::Private) {
    std::string base = name;
    for (int n = 1; !lock; n++) {
      auto free = FileLock::try_acquire(dir.get(), lock_name(name), FileLock::Mode::Exclusive);
      if (free)
        lock.emplace(*std::move(free));
      else if (free.error().code() != ErrorCode::Conflict)
        return std::move(free).error();
      else
        name = base + '.' + std::to_string(n);
    }
  } else {
    auto mode = sharing == Sharing::Locked ? FileLock::Mode::Exclusive : FileLock::Mode::Shared;
    lock.emplace(TRY(wait_for_lock(dir.get(), name, mode, stop)));
  }
  if (!stat_at(dir.get(), name)) TRY(make_cache(dir.get(), name, id, fill));
  if (::utimensat(dir.get(), lock_name(name).c_str(), nullptr, 0) < 0)
    return Error::from_errno(errno, "set time of " + lock_name(name));
  return CacheMount(*std::move(lock), fmt::format("{}/{}/data", kDirectory, name));
}

Result<std::vector<CacheMountInfo>> list_cache_mounts(int own_dir) {
  std::vector<CacheMountInfo> caches;
  auto dir = open_dir(own_dir, kDirectory);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return caches;
  if (!dir) return std::move(dir).error();
  for (const auto& name : TRY(list_dir(dir->get()))) {
    if (!is_cache_name(name)) continue;
    CacheMountInfo info;
    info.name = name;
    auto id = read_file(dir->get(), name + "/id");
    auto used = stat_at(dir->get(), lock_name(name));
    auto data = open_dir(dir->get(), name + "/data");
    if (!id || !used || !data) continue;
    info.id = *std::move(id);
    info.last_used = {used->st_mtim.tv_sec, static_cast<std::int32_t>(used->st_mtim.tv_nsec)};
    info.in_use = !FileLock::try_acquire(dir->get(), lock_name(name), FileLock::Mode::Exclusive);
    info.size = TRY(size_on_disk(data->get()));
    caches.push_back(std::move(info));
  }
  std::sort(caches.begin(), caches.end(), [](const auto& a, const auto& b) {
    return std::tie(b.last_used, a.name) < std::tie(a.last_used, b.name);
  });
  return caches;
}

Result<void> remove_cache_mount(int own_dir, const std::string& name) {
  auto dir = TRY(open_directory(own_dir));
  auto lock = TRY(FileLock::try_acquire(dir.get(), lock_name(name), FileLock::Mode::Exclusive));
  // Away with its name first: a removal that is cut short leaves no half cache.
  std::string gone = "removed-" + name;
  if (stat_at(dir.get(), gone)) TRY(remove_tree(dir.get(), gone));
  if (::renameat(dir.get(), name.c_str(), dir.get(), gone.c_str()) < 0)
    return Error::from_errno(errno, "remove cache mount " + name);
  return remove_tree(dir.get(), gone);
}

}  // namespace strata
