#include "store/reclaim.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/temp_dir.h"
#include "image/reference.h"
#include "store/lease.h"

namespace strata {
namespace {

constexpr const char* kLeftovers = "leftovers";
constexpr std::string_view kCaches = "overlay2/";
constexpr std::string_view kMounts = "image/overlay2/layerdb/mounts/";
constexpr std::string_view kRemoving = "-removing";

std::string note_path(ChainID chain) {
  return std::string(kLeftovers) + '/' + chain.digest().hex();
}

/// Do the layers or the container that the process made stand on this cache? Nobody else can know
/// of it, since its name is random and stands nowhere else: the store need not be looked through.
Result<bool> is_named(const Store& store, const DeadLease& lease, const std::string& cache) {
  for (const auto& chain : lease.chains)
    if (auto layer = store.layers().get(chain); layer && layer->cache_id == cache) return true;
  for (const auto& path : lease.paths) {
    if (!path.starts_with(kMounts)) continue;
    auto mount = store.layers().mount(path.substr(kMounts.size()));
    if (!mount && mount.error().code() == ErrorCode::NotFound) continue;  // gone since
    if (!mount || mount->mount_id == cache || mount->init_id == cache) return true;
  }
  return false;
}

Result<void> remove_path(const Store& store, const std::string& path) {
  auto removed = remove_tree(store.dir(), path);
  return !removed && removed.error().code() != ErrorCode::NotFound ? std::move(removed)
                                                                   : Result<void>();
}

/// The container's directory comes last when it is made and goes first when it is removed.
Result<void> reclaim_mount(const Store& store, const std::string& container) {
  if (!is_full_id(container) || stat_at(store.containers_dir(), container)) return {};
  auto mount = store.layers().mount(container);
  if (!mount) return {};
  TRY(store.layers().remove_mount(container));
  TRY(store.caches().remove(mount->mount_id));
  return mount->init_id.empty() ? Result<void>() : store.caches().remove(mount->init_id);
}

Result<void> reclaim_path(const Store& store, const DeadLease& lease, const std::string& path) {
  if (path.starts_with("/") || path.find("..") != std::string::npos) return {};
  if (path.starts_with(kMounts)) return reclaim_mount(store, path.substr(kMounts.size()));
  if (path.starts_with(kCaches)) {
    auto cache = path.substr(kCaches.size());
    return TRY(is_named(store, lease, cache)) ? Result<void>() : store.caches().remove(cache);
  }
  if (path.ends_with(kRemoving)) {
    auto cache = read_file(store.dir(), path + "/cache-id", 4096);
    if (cache) TRY(store.caches().remove(*cache));
  }
  return remove_path(store, path);
}

}  // namespace

Result<void> reclaim_dead(const Store& store) {
  if (!may_have_dead_leases(store.own_dir())) return {};
  auto lock = TRY(lock_removal(store.own_dir(), FileLock::Mode::Exclusive));
  for (const auto& lease : TRY(dead_leases(store.own_dir()))) {
    // Containers come first: their caches are in use as long as they are there.
    for (bool mounts : {true, false})
      for (const auto& path : lease.paths)
        if (path.starts_with(kMounts) == mounts) TRY(reclaim_path(store, lease, path));
    for (const auto& chain : lease.chains)
      if (store.layers().contains(chain)) TRY(note_leftover(store, chain));
    forget_lease(store.own_dir(), lease);
  }
  return {};
}

Result<void> note_leftover(const Store& store, ChainID chain) {
  TRY(make_dirs(store.own_dir(), kLeftovers, 0700));
  TRY(open_at(store.own_dir(), note_path(chain), O_WRONLY | O_CREAT, 0600));
  return {};
}

void forget_leftover(const Store& store, ChainID chain) {
  ::unlinkat(store.own_dir(), note_path(chain).c_str(), 0);
}

Result<std::vector<ChainID>> leftovers(const Store& store) {
  std::vector<ChainID> chains;
  auto dir = open_dir(store.own_dir(), kLeftovers);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return chains;
  if (!dir) return std::move(dir).error();
  for (const auto& name : TRY(list_dir(dir->get())))
    if (auto id = Digest::parse("sha256:" + name)) chains.emplace_back(*id);
  return chains;
}

}  // namespace strata
