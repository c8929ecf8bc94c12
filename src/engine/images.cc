#include "engine/images.h"

#include <algorithm>
#include <map>
#include <set>

#include "build/change.h"
#include "compress/detect.h"
#include "image/config.h"
#include "image/pattern.h"
#include "image/platform.h"
#include "image/reference.h"
#include "inspect/history.h"
#include "inspect/image_view.h"
#include "inspect/layer_stack.h"
#include "store/layer_writer.h"
#include "store/store.h"

namespace strata {
namespace {

constexpr const char* kNone = "<none>";

Result<std::unique_ptr<Store>> open_to_read(const EngineOptions& engine) {
  return Store::open(engine.root, Store::Access::Read);
}

/// What --filter asks for.
struct ImageFilters {
  std::optional<bool> dangling;
  std::vector<std::pair<std::string, std::optional<std::string>>> labels;
  std::optional<Time> before;
  std::optional<Time> since;
  std::vector<std::string> references;
};

Result<Time> created_of(const Store& store, std::string_view name) {
  auto id = TRY(resolve_image(store, name));
  return TRY(store.images().get(id)).config.created;
}

Result<ImageFilters> parse_filters(const Store& store, const std::vector<std::string>& texts) {
  ImageFilters f;
  for (const auto& text : texts) {
    auto equals = text.find('=');
    if (equals == std::string::npos)
      return Error(ErrorCode::InvalidArgument, "bad format of filter (expected name=value)");
    auto name = text.substr(0, equals);
    auto value = text.substr(equals + 1);
    if (name == "dangling") {
      if (value != "true" && value != "1" && value != "false" && value != "0")
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("Invalid filter 'dangling=[{}]'", value));
      f.dangling = value == "true" || value == "1";
    } else if (name == "label") {
      auto split = value.find('=');
      if (split == std::string::npos)
        f.labels.emplace_back(value, std::nullopt);
      else
        f.labels.emplace_back(value.substr(0, split), value.substr(split + 1));
    } else if (name == "before") {
      f.before = TRY(created_of(store, value));
    } else if (name == "since") {
      f.since = TRY(created_of(store, value));
    } else if (name == "reference") {
      f.references.push_back(value);
    } else {
      return Error(ErrorCode::InvalidArgument, fmt::format("Invalid filter '{}'", name));
    }
  }
  return f;
}

bool matches(const ImageFilters& f, const ImageConfig& config) {
  for (const auto& [name, value] : f.labels) {
    if (!config.config.labels) return false;
    auto label = config.config.labels->find(name);
    if (label == config.config.labels->end()) return false;
    if (value && label->second != *value) return false;
  }
  if (f.before && !(config.created < *f.before)) return false;
  return !f.since || config.created > *f.since;
}

/// A pattern matches the familiar name, or name and tag.
bool matches_reference(const std::vector<std::string>& patterns, const std::string& repository,
                       const std::string& familiar) {
  if (patterns.empty()) return true;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) {
    auto name = match_pattern(p, repository);
    auto full = match_pattern(p, familiar);
    return (name && *name) || (full && *full);
  });
}

/// The rows of one image: one for each name, or one without.
void add_rows(std::vector<ImageRow>& rows, const ImageRow& image,
              const std::vector<std::string>& names, const std::vector<std::string>& patterns) {
  std::map<std::string, std::string> digests;  // by repository
  std::set<std::string> tagged;
  for (const auto& name : names)
    if (auto at = name.find('@'); at != std::string::npos)
      digests[name.substr(0, at)] = name.substr(at + 1);
  for (const auto& name : names) {
    if (name.find('@') != std::string::npos) continue;
    auto colon = name.rfind(':');
    ImageRow row = image;
    row.repository = name.substr(0, colon);
    row.tag = name.substr(colon + 1);
    tagged.insert(row.repository);
    if (!matches_reference(patterns, row.repository, name)) continue;
    if (auto d = digests.find(row.repository); d != digests.end()) row.digest = d->second;
    rows.push_back(std::move(row));
  }
  for (const auto& [repository, digest] : digests) {
    if (tagged.contains(repository)) continue;
    if (!matches_reference(patterns, repository, repository + '@' + digest)) continue;
    ImageRow row = image;
    row.repository = repository;
    row.digest = digest;
    rows.push_back(std::move(row));
  }
}

Json labels_json(const RunConfig& config) {
  Json labels = Json::object();
  if (config.labels)
    for (const auto& [name, value] : *config.labels) labels.set(name, value);
  return labels;
}

}  // namespace

Result<std::vector<ImageRow>> list_images(const EngineOptions& engine,
                                          const ListImagesRequest& request) {
  auto store = TRY(open_to_read(engine));
  auto filters = TRY(parse_filters(*store, request.filters));
  auto patterns = filters.references;
  if (!request.reference.empty()) patterns.push_back(request.reference);
  auto repositories = TRY(store->references().load());
  auto names = references_by_image(repositories);
  auto ids = TRY(store->images().list());
  std::set<ImageID> parents;
  for (const auto& id : ids)
    if (auto parent = store->images().parent(id)) parents.insert(*parent);

  std::vector<ImageRow> rows;
  for (const auto& id : ids) {
    auto known = names.find(id);
    bool named = known != names.end();
    bool dangling = !named && !parents.contains(id);
    if (filters.dangling && *filters.dangling != dangling) continue;
    if (!named && !dangling && !request.all) continue;
    if (!named && !patterns.empty()) continue;
    auto image = store->images().get(id);
    if (!image || !matches(filters, image->config)) continue;
    auto size = image_size(*store, image->config);
    if (!size) continue;  // as dockerd: an image whose layers are gone is not listed
    ImageRow row{
        id, kNone, kNone, kNone, image->config.created, *size, labels_json(image->config.config)};
    if (named)
      add_rows(rows, row, known->second, patterns);
    else
      rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ImageRow& a, const ImageRow& b) { return a.created > b.created; });
  return rows;
}

Result<Json> inspect_image(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  auto id = TRY(resolve_image(*store, name));
  auto image = TRY(store->images().get(id));
  return image_view(*store, image);
}

Result<std::vector<HistoryLine>> history(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  auto id = TRY(resolve_image(*store, name));
  auto image = TRY(store->images().get(id));
  std::vector<HistoryLine> lines;
  for (auto& row : TRY(image_history(*store, image)))
    lines.push_back({row.id ? row.id->str() : "<missing>", row.created, std::move(row.created_by),
                     std::move(row.comment), row.size});
  return lines;
}

Result<std::vector<LayerLine>> layers(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  auto id = TRY(resolve_image(*store, name));
  auto image = TRY(store->images().get(id));
  std::vector<LayerLine> lines;
  for (auto& row : TRY(image_layers(*store, image))) {
    LayerLine line;
    line.diff_id = row.layer.diff_id;
    line.chain_id = row.layer.chain_id;
    line.cache_id = row.layer.cache_id;
    line.directory = std::move(row.directory);
    line.size = row.layer.size;
    line.disk_bytes = row.disk_bytes;
    line.linked_bytes = row.linked_bytes;
    line.files = row.files;
    line.created_by = std::move(row.created_by);
    line.shared_by = std::move(row.shared_by);
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<void> tag_image(const EngineOptions& engine, std::string_view source,
                       std::string_view target) {
  auto reference = TRY(Reference::parse_normalized(target)).with_default_tag();
  TRY(check_taggable(reference));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(resolve_image(*store, source));
  TRY(store->references().set(reference, id));
  return store->images().set_last_updated(id, Time::now());
}

Result<ImageID> import_image(const EngineOptions& engine, const ImportRequest& request,
                             ByteSource& tar) {
  std::optional<Reference> reference;
  if (!request.reference.empty()) {
    reference = TRY(Reference::parse_normalized(request.reference)).with_default_tag();
    TRY(check_taggable(*reference));
  }
  ImageConfig config;
  for (const auto& change : request.changes) TRY(build::apply_change(config.config, change));
  auto platform = host_platform();
  if (!request.platform.empty()) platform = TRY(parse_platform(request.platform));

  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto donors = TRY(find_donors(*store, std::nullopt));
  auto layer = TRY(LayerWriter::create(*store, {}, std::move(donors)));
  auto plain = TRY(decompress(tar).context("import {}", request.source_name));
  TRY(layer.add_tar(*plain).context("import {}", request.source_name));
  TRY(layer.seal());
  // docker keeps the layer of an import even if it is the empty one.
  auto published = TRY(layer.publish(std::nullopt));

  config.architecture = platform.architecture;
  config.os = platform.os;
  config.variant = platform.variant;
  config.comment =
      request.message.empty() ? "Imported from " + request.source_name : request.message;
  config.created = Time::now();
  config.history = {{config.created, "", "", config.comment, false}};
  config.diff_ids = {published.diff_id};
  auto id = TRY(store->images().put(encode_image_config(config), std::nullopt, false));
  if (!engine.lazy) TRY(store->sync());
  if (reference) {
    TRY(store->references().set(*reference, id));
    TRY(store->images().set_last_updated(id, config.created));
  }
  return id;
}

}  // namespace strata
