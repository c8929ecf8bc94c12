#include "engine/image_removal.h"

#include "collect/remove_image.h"
#include "collect/sweep.h"
#include "container/changes.h"
#include "container/liveness.h"
#include "container/remove.h"
#include "container/volumes.h"
#include "engine/filter.h"
#include "engine/log_time.h"

namespace strata {
namespace {

RemovalLine line_of(const RemovedItem& item) {
  return {item.kind == RemovedItem::Kind::Deleted, item.text};
}

std::vector<RemovalLine> lines_of(const RemovedItems& items) {
  std::vector<RemovalLine> lines;
  for (const auto& item : items) lines.push_back(line_of(item));
  return lines;
}

struct ParsedFilters {
  PruneFilter filter;
  std::optional<bool> dangling;
};

Error invalid_prune_filter(std::string_view name) {
  return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}'", name));
}

/// Only images can be asked whether they are dangling.
Result<ParsedFilters> parse_prune_filters(const std::vector<std::string>& texts, bool images) {
  ParsedFilters parsed;
  auto now = Time::now();
  for (const auto& text : texts) {
    auto [name, value] = TRY(split_filter(text));
    if (name == "label") {
      parsed.filter.labels.push_back(PruneFilter::parse_label(value));
    } else if (name == "label!") {
      parsed.filter.not_labels.push_back(PruneFilter::parse_label(value));
    } else if (name == "until") {
      if (parsed.filter.until)
        return Error(ErrorCode::InvalidArgument, "more than one until filter specified");
      parsed.filter.until = TRY(parse_log_time(value, now));
    } else if (name == "unused-for" && images) {
      parsed.filter.unused = TRY(parse_age(value, now));
    } else if (name == "dangling" && images) {
      // docker's client adds one of its own, so that any but these says nothing.
      if (value == "false" || value == "0") parsed.dangling = false;
    } else {
      return invalid_prune_filter(name);
    }
  }
  return parsed;
}

std::int64_t writable_size(const Store& store, const std::string& container) {
  auto mount = store.layers().mount(container);
  if (!mount) return 0;
  auto upper = store.caches().open_diff(mount->mount_id);
  if (!upper) return 0;
  auto size = tree_size(upper->get());
  return size ? *size : 0;
}

}  // namespace

Result<std::vector<RemovedImage>> remove_images(const EngineOptions& engine,
                                                const RemoveImagesRequest& request) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto removal = TRY(ImageRemoval::begin(*store));
  std::vector<RemovedImage> images;
  for (const auto& name : request.images) {
    auto removed = removal.remove(name, {request.force, request.prune_parents});
    if (removed)
      images.push_back({lines_of(*removed), {}});
    else
      images.push_back({{}, std::move(removed).error()});
  }
  TRY(removal.finish());
  if (!engine.lazy) TRY(store->sync());
  return images;
}

Result<PrunedImages> prune_images(const EngineOptions& engine, const PruneRequest& request) {
  auto parsed = TRY(parse_prune_filters(request.filters, /*images=*/true));
  bool all = request.all || parsed.dangling == false;
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto removal = TRY(ImageRemoval::begin(*store));
  auto removed = TRY(removal.prune(all, parsed.filter));
  TRY(removal.finish());
  if (!engine.lazy) TRY(store->sync());
  PrunedImages pruned{lines_of(removed), 0};
  for (const auto& item : removed) pruned.reclaimed += item.size;
  return pruned;
}

Result<Pruned> prune_containers(const EngineOptions& engine, const PruneRequest& request) {
  auto parsed = TRY(parse_prune_filters(request.filters, /*images=*/false));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  Pruned pruned;
  for (const auto& listed : TRY(list_containers(*store))) {
    if (!parsed.filter.matches(listed.created, listed.config.labels)) continue;
    auto record = settle_container(*store, listed.id);
    if (!record || is_running(*store, *record)) continue;
    auto size = writable_size(*store, listed.id);
    auto base = container_base(*store, listed);
    if (!remove_container(*store, listed.id, {})) continue;  // started meanwhile, or gone
    TRY(release_base(*store, base));
    pruned.names.push_back(listed.id);
    pruned.reclaimed += size;
  }
  if (!engine.lazy) TRY(store->sync());
  return pruned;
}

Result<Pruned> prune_volumes(const EngineOptions& engine) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  Pruned pruned;
  for (auto& volume : TRY(prune_volumes(*store))) {
    pruned.names.push_back(std::move(volume.name));
    pruned.reclaimed += volume.size;
  }
  if (!engine.lazy) TRY(store->sync());
  return pruned;
}

Result<std::int64_t> prune_remains(const EngineOptions& engine) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  if (!TRY(store->take_alone())) return 0;
  return sweep(*store);
}

}  // namespace strata
