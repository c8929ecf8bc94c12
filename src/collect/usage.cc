#include "collect/usage.h"

#include "collect/buildkit.h"
#include "store/image_mount.h"
#include "store/image_notes.h"

namespace strata {
namespace {

/// What nobody can use does not count. Everything else that goes wrong ends the scan: a layer must
/// not be taken for unused because its user could not be read just now.
bool is_unusable(const Error& error) {
  return error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::NotFound;
}

Result<void> scan_images(const Store& store, Usage& usage) {
  auto repositories = TRY(store.references().load());
  for (const auto& id : TRY(store.images().list())) {
    auto image = store.images().get(id);
    if (image)
      usage.images[id].config = std::move(image->config);
    else if (!is_unusable(image.error()))
      return std::move(image).error();
  }
  usage.parents = TRY(store.images().parents());
  for (const auto& [child, parent] : usage.parents) {
    auto use = usage.images.find(child);
    auto found = usage.images.find(parent);
    if (use == usage.images.end() || found == usage.images.end()) continue;
    use->second.parent = parent;
    found->second.children.insert(child);
  }
  for (const auto& [id, names] : references_by_image(repositories))
    if (auto image = usage.images.find(id); image != usage.images.end())
      image->second.names = parse_references(names);
  return {};
}

void add_user(Usage& usage, const std::optional<ChainID>& chain) {
  if (!chain) return;
  if (auto layer = usage.layers.find(*chain); layer != usage.layers.end()) layer->second.users++;
}

Result<void> add_container_mounts(const Store& store, Usage& usage) {
  for (const auto& container : TRY(store.layers().mounts())) {
    auto mount = store.layers().mount(container);
    if (mount)
      add_user(usage, mount->parent);
    else if (!is_unusable(mount.error()))
      return std::move(mount).error();
  }
  return {};
}

/// The layers of a dockerd's build cache.
Result<void> add_buildkit(const Store& store, Usage& usage) {
  auto names = TRY(buildkit_names(store));
  // The key and its value. Buckets that are called by a ChainID hold only what is known of its
  // size.
  constexpr std::string_view kHolds = "chainid";
  constexpr std::string_view kHolder = "chainidsha256:";
  constexpr std::size_t kLength = std::string_view("sha256:").size() + 2 * Digest::kBytes;
  std::set<ChainID> named;
  std::string_view text = names;
  for (auto at = text.find(kHolder); at != std::string_view::npos; at = text.find(kHolder, at + 1))
    if (auto id = Digest::parse(text.substr(at + kHolds.size(), kLength)))
      named.insert(ChainID(*id));
  for (const auto& chain : named) add_user(usage, chain);
  return {};
}

/// Nothing if nobody can use it.
Result<std::optional<LayerInfo>> sound_layer(const Store& store, ChainID chain) {
  auto layer = store.layers().get(chain);
  if (layer) return std::optional(*std::move(layer));
  if (!is_unusable(layer.error())) return std::move(layer).error();
  return std::optional<LayerInfo>();
}

Result<void> scan_layers(const Store& store, Usage& usage) {
  const auto parents = TRY(store.layers().parents());
  for (const auto& [chain, parent] : parents) usage.layers[chain];
  for (const auto& [chain, parent] : parents)
    if (auto below = parent ? usage.layers.find(*parent) : usage.layers.end();
        below != usage.layers.end())
      below->second.children.insert(chain);
  return {};
}

}  // namespace

std::optional<ChainID> top_chain(const ImageConfig& config) {
  if (config.diff_ids.empty()) return std::nullopt;
  return chain_ids(config.diff_ids).back();
}

std::optional<ChainID> Usage::forget_image(ImageID id) {
  auto node = images.extract(id);
  const ImageUse& use = node.mapped();
  for (const auto& child : use.children) images[child].parent.reset();
  if (use.parent) images[*use.parent].children.erase(id);
  std::erase_if(parents, [&](const auto& pair) { return pair.first == id || pair.second == id; });
  auto top = top_chain(use.config);
  if (auto layer = top ? layers.find(*top) : layers.end(); layer != layers.end())
    layer->second.users--;
  return top;
}

void Usage::forget_layer(const LayerInfo& layer) {
  layers.erase(layer.chain_id);
  auto below = layer.parent ? layers.find(*layer.parent) : layers.end();
  if (below != layers.end()) below->second.children.erase(layer.chain_id);
}

Result<Usage> scan_usage(const Store& store, const std::set<Digest>& held) {
  Usage usage;
  TRY(scan_layers(store, usage));
  TRY(scan_images(store, usage));
  for (const auto& [id, use] : usage.images) add_user(usage, top_chain(use.config));
  TRY(add_container_mounts(store, usage));
  for (const auto& id : held) add_user(usage, ChainID(id));
  TRY(add_buildkit(store, usage));
  usage.containers = TRY(list_containers(store));
  if (store.own_dir() >= 0)  // else only a dockerd has used it
    for (auto& mount : TRY(image_mounts(store.own_dir())))
      usage.mounts.emplace(mount.image, std::move(mount.directory));
  usage.pinned = TRY(ImageNotes(store.own_dir()).pins());
  return usage;
}

Result<std::optional<LayerInfo>> unneeded_layer(const Store& store, const Usage& usage,
                                                ChainID chain) {
  auto found = usage.layers.find(chain);
  if (found == usage.layers.end() || found->second.users > 0) return std::optional<LayerInfo>();
  for (const auto& child : found->second.children)
    if (TRY(sound_layer(store, child))) return std::optional<LayerInfo>();
  return sound_layer(store, chain);
}

}  // namespace strata
