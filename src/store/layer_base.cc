#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"
#include "fs/overlay_mount.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

constexpr std::size_t kMaxDonors = 16;
constexpr std::size_t kMaxSiblings = 8;

Time made_at(const Store& store, const LayerInfo& layer) {
  auto st = stat_at(store.caches().dir(), layer.cache_id + "/link");
  if (!st) return kZeroTime;
  return {st->st_mtim.tv_sec, static_cast<std::int32_t>(st->st_mtim.tv_nsec)};
}

/// Layers on the same parent, newest first: among them are the earlier builds of the same step.
Result<std::vector<LayerInfo>> newest_siblings(const Store& store,
                                               const std::optional<ChainID>& parent) {
  std::vector<std::pair<Time, LayerInfo>> dated;
  for (auto& layer : TRY(store.layers().siblings(parent))) {
    auto time = made_at(store, layer);
    dated.emplace_back(time, std::move(layer));
  }
  std::stable_sort(dated.begin(), dated.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (dated.size() > kMaxSiblings) dated.resize(kMaxSiblings);
  std::vector<LayerInfo> layers;
  for (auto& [time, layer] : dated) layers.push_back(std::move(layer));
  return layers;
}

/// A descriptor of an empty directory that is gone already: nothing can be put into it.
Result<UniqueFd> empty_directory(const Store& store) {
  auto name = "empty-" + random_hex(8);
  if (::mkdirat(store.own_dir(), name.c_str(), 0700) < 0)
    return Error::from_errno(errno, "mkdir " + name);
  auto fd = open_dir(store.own_dir(), name);
  ::unlinkat(store.own_dir(), name.c_str(), AT_REMOVEDIR);
  return fd;
}

}  // namespace

Result<std::vector<UniqueFd>> find_donors(const Store& store,
                                          const std::optional<ChainID>& parent) {
  auto layers = TRY(newest_siblings(store, parent));
  auto below = parent;
  while (below && layers.size() < kMaxDonors) {
    auto layer = TRY(store.layers().get(*below));
    below = layer.parent;
    layers.push_back(std::move(layer));
  }
  std::vector<UniqueFd> donors;
  for (const auto& layer : layers)  // one that was removed meanwhile gives nothing
    if (auto diff = store.caches().open_diff(layer.cache_id)) donors.push_back(*std::move(diff));
  return donors;
}

Result<LayerBase> layer_base(const Store& store, const std::vector<DiffID>& diff_ids) {
  LayerBase base;
  if (diff_ids.empty()) return base;
  TRY(store.hold(chain_ids(diff_ids).back()));
  auto layers = TRY(store.layers().stack(diff_ids));
  base.lowers = TRY(store.caches().stack(layers.back().cache_id));
  return base;
}

Result<UniqueFd> mount_base(const Store& store, const LayerBase& base) {
  if (base.lowers.empty()) return empty_directory(store);
  OverlaySpec spec;
  spec.overlay_dir = store.caches().dir();
  spec.lowers = base.lowers;
  return mount_overlay(spec);
}

}  // namespace strata
