#include <sys/stat.h>

#include <cerrno>

#include "base/io.h"
#include "base/random_id.h"
#include "fs/overlay_mount.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

constexpr std::size_t kMaxDonors = 16;
constexpr std::size_t kMaxSiblings = 8;

/// A descriptor of an empty directory that is gone already: nothing can be put into it.
Result<UniqueFd> empty_directory(const Store& store) {
  auto name = "empty-" + random_hex(8);
  if (::mkdirat(store.own_dir(), name.c_str(), 0700) < 0)
    return Error::from_errno(errno, "mkdir " + name);
  auto fd = open_dir(store.own_dir(), name);
  ::unlinkat(store.own_dir(), name.c_str(), AT_REMOVEDIR);
  return fd;
}

/// One that was removed meanwhile gives nothing.
std::vector<DonorLayer> open_all(const Store& store, const std::vector<LayerInfo>& layers) {
  std::vector<DonorLayer> donors;
  for (const auto& layer : layers)
    if (auto diff = store.caches().open_diff(layer.cache_id))
      donors.push_back({layer.cache_id, layer.parent, *std::move(diff)});
  return donors;
}

}  // namespace

Result<std::vector<DonorLayer>> find_siblings(const Store& store,
                                              const std::optional<ChainID>& parent) {
  auto layers = TRY(store.layers().newest_on(parent, kMaxSiblings));
  return open_all(store, layers);
}

Result<std::vector<DonorLayer>> find_donors(const Store& store,
                                            const std::optional<ChainID>& parent) {
  auto layers = TRY(store.layers().newest_on(parent, kMaxSiblings));
  auto below = parent;
  while (below && layers.size() < kMaxDonors) {
    auto layer = TRY(store.layers().get(*below));
    below = layer.parent;
    layers.push_back(std::move(layer));
  }
  return open_all(store, layers);
}

Result<LayerBase> layer_base(const Store& store, const std::vector<DiffID>& diff_ids) {
  LayerBase base;
  if (diff_ids.empty()) return base;
  TRY(store.hold(chain_ids(diff_ids).back()));
  auto layers = TRY(store.layers().stack(diff_ids));
  base.top_cache = layers.back().cache_id;
  base.lowers = TRY(store.caches().stack(base.top_cache));
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
