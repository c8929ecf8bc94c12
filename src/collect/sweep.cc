#include "collect/sweep.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/temp_dir.h"
#include "collect/buildkit.h"
#include "collect/disk_usage.h"
#include "collect/remains.h"

namespace strata {
namespace {

constexpr const char* kLayerDB = "image/overlay2/layerdb";

Result<std::int64_t> bytes_on_disk(const Store& store) { return TRY(disk_space(store)).on_disk; }

/// From the top down, since each holds the one below it.
Result<void> remove_unused_layers(const Store& store) {
  for (bool again = true; again;) {
    again = false;
    auto usage = TRY(scan_usage(store, {}));
    for (const auto& [chain, use] : usage.layers) {
      auto layer = TRY(unneeded_layer(store, usage, chain));
      if (!layer) continue;
      auto entry = TRY(store.layers().condemn(chain));
      TRY(store.caches().remove(layer->cache_id));
      TRY(store.layers().remove_condemned(entry));
      again = true;
    }
  }
  return {};
}

Result<void> remove_remains(const Store& store) {
  for (const auto& remain : TRY(find_remains(store))) TRY(remove_tree(store.dir(), remain.path));
  return {};
}

/// Also those of damaged entries, which are to be repaired. An error if anything cannot be read.
Result<std::set<std::string>> caches_in_use(const Store& store) {
  std::set<std::string> names;
  auto layers = TRY(open_dir(store.dir(), std::string(kLayerDB) + "/sha256"));
  for (const auto& name : TRY(list_dir(layers.get()))) {
    auto cache = read_file(layers.get(), name + "/cache-id", 4096);
    if (cache)
      names.insert(cache->substr(0, cache->find_last_not_of(" \t\r\n") + 1));
    else if (cache.error().code() != ErrorCode::NotFound)
      return std::move(cache).error();
  }
  for (const auto& container : TRY(store.layers().mounts())) {
    auto mount = TRY(store.layers().mount(container));
    names.insert(mount.mount_id);
    names.insert(mount.init_id);
  }
  return names;
}

Result<void> remove_unnamed_caches(const Store& store) {
  auto named = TRY(caches_in_use(store));
  auto buildkit = TRY(buildkit_names(store));
  for (const auto& name : TRY(list_dir(store.caches().dir()))) {
    if (name == "l" || named.contains(name)) continue;
    auto st = stat_at(store.caches().dir(), name);
    if (!st || !S_ISDIR(st->st_mode)) continue;              // backingFsBlockDev
    if (buildkit.find(name) != std::string::npos) continue;  // dockerd's build cache
    TRY(store.caches().remove(name));
  }
  return {};
}

Result<void> remove_dead_links(const Store& store) {
  auto links = TRY(open_dir(store.caches().dir(), "l"));
  for (const auto& name : TRY(list_dir(links.get())))
    if (::faccessat(links.get(), name.c_str(), F_OK, 0) < 0 && errno == ENOENT)
      ::unlinkat(links.get(), name.c_str(), 0);
  return {};
}

/// What pulls that failed have kept for another try (docs/store.md, section 8). Those at work lock
/// theirs. Gives the bytes.
std::int64_t remove_kept_blobs(int own_dir) {
  std::int64_t bytes = 0;
  auto dir = open_dir(own_dir, "blobs");
  if (!dir) return 0;
  auto names = list_dir(dir->get());
  if (!names) return 0;
  for (const auto& name : *names) {
    auto fd = open_at(dir->get(), name, O_RDWR | O_NOFOLLOW);
    struct stat st = {};
    if (!fd || ::flock(fd->get(), LOCK_EX | LOCK_NB) < 0 || ::fstat(fd->get(), &st) < 0) continue;
    if (::unlinkat(dir->get(), name.c_str(), 0) == 0) bytes += st.st_blocks * 512;
  }
  return bytes;
}

}  // namespace

Result<std::int64_t> sweep(const Store& store) {
  auto removal = TRY(store.begin_removal());
  auto before = TRY(bytes_on_disk(store));
  TRY(remove_unused_layers(store));
  TRY(remove_remains(store));
  TRY(remove_unnamed_caches(store));
  TRY(remove_dead_links(store));
  auto kept = remove_kept_blobs(store.own_dir());
  return kept + before - TRY(bytes_on_disk(store));
}

}  // namespace strata
