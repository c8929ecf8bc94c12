#include "collect/build_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <tuple>

#include "base/io.h"
#include "fs/disk.h"
#include "image/units.h"
#include "store/cache_mount.h"
#include "store/kept_blobs.h"

namespace strata {
namespace {

using Kind = BuildCacheItem::Kind;

constexpr std::int64_t kLeastLimit = std::int64_t{2} << 30;  // bytes of cache mounts
constexpr const char* kLastLook = "cache-mounts.looked";
constexpr std::int64_t kStatBlock = 512;  // bytes, of st_blocks
constexpr std::size_t kDigestText = 71;   // "sha256:" and 64 digits

const char* directory_of(Kind kind) { return kind == Kind::Step ? "steps" : "memo"; }

/// Whether a step's record names a layer that is there, or none because it changed nothing.
bool leads_somewhere(int dir, const std::string& name, const std::set<std::string>& diff_ids) {
  auto text = read_file(dir, name, kDigestText + 1);
  return text && (!text->starts_with("sha256:") || diff_ids.contains(*text));
}

/// The files of a directory below ROOT/strata, one for each item.
Result<void> list_files(const Store& store, Kind kind, std::vector<BuildCacheItem>& items) {
  auto dir = open_dir(store.own_dir(), directory_of(kind));
  if (!dir && dir.error().code() == ErrorCode::NotFound) return {};
  if (!dir) return std::move(dir).error();
  std::set<std::string> diff_ids;
  if (kind == Kind::Step)
    for (const auto& layer : TRY(store.layers().list())) diff_ids.insert(layer.diff_id.str());
  for (const auto& name : TRY(list_dir(dir->get()))) {
    auto st = stat_at(dir->get(), name);
    if (!st || !S_ISREG(st->st_mode)) continue;
    BuildCacheItem item;
    item.kind = kind;
    item.id = name;
    item.size = st->st_blocks * kStatBlock;
    item.last_used = {st->st_mtim.tv_sec, static_cast<std::int32_t>(st->st_mtim.tv_nsec)};
    item.dangling = kind != Kind::Step || !leads_somewhere(dir->get(), name, diff_ids);
    items.push_back(std::move(item));
  }
  return {};
}

std::optional<std::int64_t> given_limit() {
  const char* text = std::getenv("STRATA_CACHE_MOUNTS");
  if (text == nullptr || *text == '\0') return std::nullopt;
  auto size = parse_ram_size(text);
  if (!size) return std::nullopt;
  return *size;
}

std::int64_t default_limit(int own_dir) {
  return std::max(kLeastLimit, file_system_size(own_dir).value_or(0) / 10);
}

/// The time of an empty file is that of the last look.
bool hour_is_over(int own_dir) {
  if (!stat_at(own_dir, "cache-mounts")) return false;
  auto last = stat_at(own_dir, kLastLook);
  if (last && last->st_mtim.tv_sec + 3600 > Time::now().seconds) return false;
  return static_cast<bool>(write_file_atomic(own_dir, kLastLook, "", 0600));
}

/// False if somebody uses it, or it is gone.
Result<bool> remove_item(const Store& store, const BuildCacheItem& item) {
  if (item.kind == Kind::CacheMount) {
    auto removed = remove_cache_mount(store.own_dir(), item.id);
    if (removed) return true;
    if (removed.error().code() == ErrorCode::Conflict) return false;
    if (removed.error().code() == ErrorCode::NotFound) return false;
    return std::move(removed).error();
  }
  if (item.kind == Kind::Blob) return remove_kept_blob(store.own_dir(), item.id);
  auto path = std::string(directory_of(item.kind)) + '/' + item.id;
  if (::unlinkat(store.own_dir(), path.c_str(), 0) == 0) return true;
  if (errno == ENOENT) return false;
  return Error::from_errno(errno, "remove strata/" + path);
}

}  // namespace

Result<std::vector<BuildCacheItem>> list_build_cache(const Store& store) {
  std::vector<BuildCacheItem> items;
  if (store.own_dir() < 0) return items;  // a reader of a dockerd's root
  for (auto& mount : TRY(list_cache_mounts(store.own_dir()))) {
    BuildCacheItem item;
    item.id = std::move(mount.name);
    item.description = std::move(mount.id);
    item.size = mount.size;
    item.last_used = mount.last_used;
    item.in_use = mount.in_use;
    items.push_back(std::move(item));
  }
  for (auto& blob : TRY(list_kept_blobs(store.own_dir()))) {
    BuildCacheItem item;
    item.kind = Kind::Blob;
    item.id = std::move(blob.name);
    item.size = blob.size;
    item.last_used = blob.last_used;
    items.push_back(std::move(item));
  }
  TRY(list_files(store, Kind::Context, items));
  TRY(list_files(store, Kind::Step, items));
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return std::tie(b.last_used, a.id) < std::tie(a.last_used, b.id);
  });
  return items;
}

void limit_cache_mounts(const Store& store) {
  auto given = given_limit();
  if (!given && !hour_is_over(store.own_dir())) return;
  auto mounts = list_cache_mounts(store.own_dir());
  if (!mounts) return;
  auto limit = given.value_or(default_limit(store.own_dir()));
  std::int64_t total = 0;
  for (const auto& mount : *mounts) total += mount.size;
  for (auto mount = mounts->rbegin(); mount != mounts->rend() && total > limit; ++mount)
    if (!mount->in_use && remove_cache_mount(store.own_dir(), mount->name)) total -= mount->size;
}

Result<std::vector<BuildCacheItem>> prune_build_cache(const Store& store,
                                                      const BuildCachePrune& prune) {
  auto items = TRY(list_build_cache(store));
  std::int64_t total = 0;
  for (const auto& item : items) total += item.size;
  std::vector<BuildCacheItem> removed;
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (prune.keep_storage > 0 && total <= prune.keep_storage) break;
    if (item->in_use || !(prune.all || item->dangling)) continue;
    if (prune.matches && !prune.matches(*item)) continue;
    if (!TRY(remove_item(store, *item))) continue;
    total -= item->size;
    removed.push_back(std::move(*item));
  }
  return removed;
}

}  // namespace strata
