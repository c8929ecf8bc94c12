#include "store/layer_reader.h"

#include "digest/background_hasher.h"
#include "tar/header.h"
#include "tar/split.h"

namespace strata {

Result<void> read_layer(const Store& store, const LayerInfo& layer, const ByteSink& sink) {
  auto file = TRY(store.layers().open_split(layer.chain_id));
  auto diff = TRY(store.caches().open_diff(layer.cache_id));
  auto open_file = [&](const std::string& name) -> Result<UniqueFd> {
    // Links on the way are followed as dockerd does when it extracts, but never out of the layer.
    auto path = TRY(tar::clean_name(name));
    return open_in_root(diff.get(), path, Resolve::InRoot, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  };
  BackgroundHasher hasher;
  auto hashed = [&](std::string_view bytes) {
    hasher.update(bytes);
    return sink(bytes);
  };
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  TRY(tar::assemble(split, open_file, hashed).context("layer {}", layer.chain_id.str()));
  if (hasher.finish() != layer.diff_id.digest())
    return Error(ErrorCode::Corrupt, fmt::format("layer {}: its tar does not have the digest {}",
                                                 layer.chain_id.str(), layer.diff_id.str()));
  return {};
}

Result<std::int64_t> layer_tar_size(const Store& store, const LayerInfo& layer) {
  auto file = TRY(store.layers().open_split(layer.chain_id));
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  std::int64_t size = 0;
  while (auto entry = TRY(split.next().context("layer {}", layer.chain_id.str()))) {
    auto part = entry->kind == tar::SplitEntry::Kind::File
                    ? entry->size
                    : static_cast<std::int64_t>(entry->bytes.size());
    if (__builtin_add_overflow(size, part, &size))
      return Error(ErrorCode::Corrupt,
                   fmt::format("layer {}: its tar is too large", layer.chain_id.str()));
  }
  return size;
}

}  // namespace strata
