#include "collect/remove_image.h"

#include <algorithm>

#include "container/liveness.h"
#include "store/image_notes.h"
#include "store/reclaim.h"

namespace strata {

/// Why an image has to stay.
struct ImageRemoval::Conflict {
  bool hard = false;  // not even by force
  bool used = false;  // by a container, a mount or somebody who pinned it
  std::string reason;

  Error error(ImageID id) const;
};

namespace {

std::string truncated(const std::string& id) {
  std::string_view text = id;
  if (text.starts_with("sha256:")) text.remove_prefix(7);
  return std::string(text.substr(0, 12));
}

/// What docker takes for an ID although it may be a name, too.
bool is_prefix_of(std::string_view text, ImageID id) {
  return id.str().starts_with(text) || id.digest().hex().starts_with(text);
}

/// docker's rule for "one name": a single one, or one tag (or none) and digests of its repository.
bool is_single_name(const std::vector<Reference>& names) {
  if (names.size() <= 1) return names.size() == 1;
  const Reference* single = nullptr;
  std::set<std::string> with_digest;
  for (const auto& name : names) {
    if (name.digest)
      with_digest.insert(name.name());
    else if (single == nullptr)
      single = &name;
    else
      return false;
  }
  if (single == nullptr) single = &names[0];
  return with_digest.size() == 1 && with_digest.contains(single->name());
}

RemovedItem deleted(std::string id, std::int64_t size = 0) {
  return {RemovedItem::Kind::Deleted, std::move(id), size};
}

}  // namespace

Error ImageRemoval::Conflict::error(ImageID id) const {
  return Error(ErrorCode::Conflict,
               fmt::format("conflict: unable to delete {} ({}) - {}", truncated(id.str()),
                           hard ? "cannot be forced" : "must be forced", reason));
}

Result<ImageRemoval> ImageRemoval::begin(const Store& store) {
  return ImageRemoval(store, TRY(store.begin_removal()));
}

/// Scanned once, when first needed; kept right by what is removed.
Result<Usage*> ImageRemoval::usage() {
  if (!usage_) usage_ = TRY(scan_usage(*store_, removal_->held));
  return &*usage_;
}

Result<std::vector<Reference>> ImageRemoval::names_of(ImageID id) const {
  return parse_references(TRY(store_->references().names_of(id)));
}

Result<const ContainerRecord*> ImageRemoval::container_of(ImageID id, std::optional<bool> running) {
  auto image = id.str();
  for (const auto& record : TRY(usage())->containers)
    if (record.image == image && (!running || is_running(*store_, record) == *running))
      return &record;
  return nullptr;
}

Result<std::optional<ImageRemoval::Conflict>> ImageRemoval::conflict(ImageID id, bool force,
                                                                     bool look_at_names) {
  using Found = std::optional<Conflict>;
  if (!TRY(usage())->images[id].children.empty())
    return Found({true, false, "image has dependent child images"});
  if (const auto* c = TRY(container_of(id, true)))
    return Found({true, true, "image is being used by running container " + truncated(c->id)});
  if (auto mount = TRY(usage())->mounts.find(id); mount != TRY(usage())->mounts.end())
    return Found({true, true, "image is mounted at " + mount->second});
  if (force) return Found();
  if (TRY(usage())->pinned.contains(id)) return Found({false, true, "image is pinned"});
  if (look_at_names && !TRY(names_of(id)).empty())
    return Found({false, false, "image is referenced in multiple repositories"});
  if (const auto* c = TRY(container_of(id, false)))
    return Found({false, true, "image is being used by stopped container " + truncated(c->id)});
  return Found();
}

Result<RemovedItems> ImageRemoval::remove(const std::string& text,
                                          const RemoveImageRequest& request) {
  auto found = resolve_image(*store_, text);
  if (!found && found.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::NotFound, "No such image: " + text);
  auto id = TRY(std::move(found));
  RemovedItems items;
  bool by_name = !is_prefix_of(text, id);
  if (by_name) {
    TRY(untag(text, id, request.force, items));
    if (!TRY(names_of(id)).empty()) return items;
  } else {
    TRY(remove_by_id(id, request.force, items));
  }
  TRY(remove_image(id, request, /*quiet=*/by_name, items));
  return items;
}

Result<void> ImageRemoval::untag(const Reference& name, RemovedItems& items) {
  TRY(store_->references().remove(name));
  items.push_back({RemovedItem::Kind::Untagged, name.familiar(), 0});
  return {};
}

Result<void> ImageRemoval::untag(const std::string& text, ImageID id, bool force,
                                 RemovedItems& items) {
  if (!force && is_single_name(TRY(names_of(id)))) {
    if (TRY(usage())->pinned.contains(id))
      return Error(ErrorCode::Conflict,
                   fmt::format("conflict: unable to remove repository reference \"{}\" (must "
                               "force) - its image {} is pinned",
                               text, truncated(id.str())));
    auto mount = TRY(usage())->mounts.find(id);
    if (mount != TRY(usage())->mounts.end())
      return Error(ErrorCode::Conflict,
                   fmt::format("conflict: unable to remove repository reference \"{}\" (must "
                               "force) - its image {} is mounted at {}",
                               text, truncated(id.str()), mount->second));
    if (const auto* c = TRY(container_of(id, std::nullopt)))
      return Error(ErrorCode::Conflict,
                   fmt::format("conflict: unable to remove repository reference \"{}\" (must "
                               "force) - container {} is using its referenced image {}",
                               text, truncated(c->id), truncated(id.str())));
  }
  auto name = TRY(Reference::parse_normalized(text)).with_default_tag();
  TRY(untag(name, items));
  if (name.digest) return {};
  // Digests of a repository go with its last tag.
  auto left = TRY(names_of(id));
  auto same_repository = [&](const Reference& r) { return r.name() == name.name(); };
  if (std::any_of(left.begin(), left.end(),
                  [&](const Reference& r) { return !r.digest && same_repository(r); }))
    return {};
  for (const auto& other : left)
    if (same_repository(other)) TRY(untag(other, items));
  return {};
}

/// Its names go with it if they count as one; several are looked at by remove_image().
Result<void> ImageRemoval::remove_by_id(ImageID id, bool force, RemovedItems& items) {
  auto names = TRY(names_of(id));
  if (!is_single_name(names)) return {};
  if (auto found = TRY(conflict(id, force, /*look_at_names=*/false))) return found->error(id);
  for (const auto& name : names) TRY(untag(name, items));
  return {};
}

/// `quiet`: it is only removed because its last name, or its last child, was.
Result<void> ImageRemoval::remove_image(ImageID id, const RemoveImageRequest& request, bool quiet,
                                        RemovedItems& items) {
  if (auto found = TRY(conflict(id, request.force, /*look_at_names=*/true))) {
    auto& use = TRY(usage())->images[id];
    bool dangling = TRY(names_of(id)).empty() && use.children.empty();
    if (quiet && (!dangling || found->used)) return {};
    return found->error(id);
  }
  auto parent = TRY(usage())->images[id].parent;
  for (const auto& name : TRY(store_->references().remove_all(id)))
    items.push_back({RemovedItem::Kind::Untagged, name.familiar(), 0});
  TRY(delete_image(id, items));
  if (!request.prune_parents || !parent || removal_->held.contains(parent->digest())) return {};
  return remove_image(*parent, {.force = false, .prune_parents = true}, /*quiet=*/true, items);
}

Result<void> ImageRemoval::delete_image(ImageID id, RemovedItems& items) {
  Usage& all = *TRY(usage());
  TRY(store_->images().remove(id, all.parents));
  ImageNotes(store_->own_dir()).forget(id);
  items.push_back(deleted(id.str()));
  return delete_layers(all.forget_image(id), items);
}

/// Takes a layer if nobody needs it, and goes on downwards as long as nobody else needs that.
Result<void> ImageRemoval::delete_layers(std::optional<ChainID> chain, RemovedItems& items) {
  Usage& all = *TRY(usage());
  while (chain) {
    auto layer = TRY(unneeded_layer(*store_, all, *chain));
    if (!layer)
      return removal_->held.contains(chain->digest()) ? note_leftover(*store_, *chain)
                                                      : Result<void>();
    auto entry = TRY(store_->layers().condemn(*chain));
    condemned_.push_back({std::move(entry), layer->cache_id});
    items.push_back(deleted(chain->str(), layer->size));
    all.forget_layer(*layer);
    chain = layer->parent;
  }
  return {};
}

Result<void> ImageRemoval::release(ChainID chain) {
  RemovedItems items;
  return delete_layers(chain, items);
}

ContainerBase container_base(const Store& store, const ContainerRecord& record) {
  auto mount = store.layers().mount(record.id);
  return {mount ? mount->parent : std::nullopt, record.image};
}

Result<void> release_base(const Store& store, const ContainerBase& base) {
  if (!base.chain) return {};
  auto image = Digest::parse(base.image);
  if (image && store.images().contains(ImageID(*image))) {
    ImageNotes(store.own_dir()).note_use(ImageID(*image));  // until now
    return {};
  }
  auto removal = TRY(ImageRemoval::begin(store));
  TRY(removal.release(*base.chain));
  return removal.finish();
}

Result<RemovedItems> ImageRemoval::prune(bool all, const PruneFilter& filter) {
  std::vector<std::pair<Time, ImageID>> candidates;
  for (const auto& [id, use] : TRY(usage())->images) {
    if (Usage::is_intermediate(use) || (!all && !use.children.empty())) continue;
    if (removal_->held.contains(id.digest()) || TRY(usage())->pinned.contains(id)) continue;
    if (filter.unused && last_use(*store_, id) > *filter.unused) continue;
    if (!filter.matches(use.config.created, use.config.config.labels)) continue;
    candidates.emplace_back(use.config.created, id);
  }
  std::sort(candidates.rbegin(), candidates.rend());  // newest first
  RemovedItems items;
  for (const auto& [created, id] : candidates) {
    auto removed = prune_one(id, all);
    std::move(removed.begin(), removed.end(), std::back_inserter(items));
  }
  return items;
}

/// What cannot be removed stays, without a word, as in docker.
RemovedItems ImageRemoval::prune_one(ImageID id, bool all) {
  auto names = names_of(id);
  if (!names) return {};
  RemovedItems items;
  auto take = [&](const std::string& text) {
    auto removed = remove(text, {});
    if (removed) std::move(removed->begin(), removed->end(), std::back_inserter(items));
  };
  if (names->empty()) {
    take(id.digest().hex());
    return items;
  }
  bool has_tag = std::any_of(names->begin(), names->end(), [](const auto& n) { return !n.digest; });
  if (!all && has_tag) return items;
  for (const auto& name : *names) take(name.str());
  return items;
}

/// What earlier removals had to leave, and what dead processes had published, goes as soon as
/// nobody works with it any more.
Result<void> ImageRemoval::release_leftovers() {
  for (const auto& chain : TRY(leftovers(*store_))) {
    if (removal_->held.contains(chain.digest())) continue;
    TRY(release(chain));
    forget_leftover(*store_, chain);
  }
  return {};
}

Result<void> ImageRemoval::finish() {
  TRY(release_leftovers());
  removal_.reset();
  for (const auto& layer : condemned_) {
    TRY(store_->caches().remove(layer.cache_id));
    TRY(store_->layers().remove_condemned(layer.entry));
  }
  condemned_.clear();
  return {};
}

}  // namespace strata
