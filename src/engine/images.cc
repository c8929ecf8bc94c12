#include "engine/images.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/parallel.h"
#include "build/change.h"
#include "compress/detect.h"
#include "dockerfile/glob.h"
#include "engine/filter.h"
#include "engine/log_time.h"
#include "image/config.h"
#include "image/pattern.h"
#include "image/platform.h"
#include "image/reference.h"
#include "inspect/history.h"
#include "inspect/image_view.h"
#include "inspect/layer_stack.h"
#include "store/image_notes.h"
#include "store/layer_writer.h"
#include "store/store.h"

namespace strata {
namespace {

constexpr const char* kNone = "<none>";
constexpr std::size_t kImagesForAThread = 64;  // are read in a millisecond or two

Result<std::unique_ptr<Store>> open_to_read(const EngineOptions& engine) {
  return Store::open(engine.root, Store::Access::Read);
}

/// What `look` makes of the image that `name` means. If somebody removes it meanwhile, the name is
/// looked up again: it may mean another one now.
template <class Look>
auto look_at_image(const Store& store, std::string_view name, const Look& look)
    -> decltype(look(Image())) {
  constexpr int kAttempts = 5;
  for (int attempt = 1;; attempt++) {
    auto id = TRY(resolve_image(store, name));
    auto image = store.images().get(id);
    decltype(look(Image())) seen = image ? look(*image) : std::move(image).error();
    if (seen || seen.error().code() != ErrorCode::NotFound || store.images().contains(id) ||
        attempt == kAttempts)
      return seen;
  }
}

/// What --filter asks for.
struct ImageFilters {
  std::optional<bool> dangling;
  std::vector<std::pair<std::string, std::optional<std::string>>> labels;
  std::optional<Time> before;
  std::optional<Time> since;
  std::optional<Time> until;
  std::vector<std::string> references;
  std::optional<bool> pinned;
  std::optional<Time> unused;
};

Result<Time> created_of(const Store& store, std::string_view name) {
  auto id = TRY(resolve_image(store, name));
  return TRY(store.images().get(id)).config.created;
}

Result<ImageFilters> parse_filters(const Store& store, const std::vector<std::string>& texts) {
  ImageFilters f;
  for (const auto& text : texts) {
    auto [name, value] = TRY(split_filter(text));
    if (name == "dangling") {
      if (value != "true" && value != "false")
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("Invalid filter 'dangling=[{}]'", value));
      f.dangling = f.dangling.value_or(false) || value == "true";
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
    } else if (name == "until") {
      f.until = TRY(parse_log_time(value, Time::now()));
    } else if (name == "pinned") {
      if (value != "true" && value != "false")
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("Invalid filter 'pinned=[{}]'", value));
      f.pinned = value == "true";
    } else if (name == "unused-for") {
      f.unused = TRY(parse_age(value, Time::now()));
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
  if (f.until && config.created > *f.until) return false;
  return !f.since || config.created > *f.since;
}

/// What dockerd knows nothing of.
bool matches_notes(const ImageFilters& f, const Store& store, ImageID id) {
  if (f.pinned && ImageNotes(store.own_dir()).is_pinned(id) != *f.pinned) return false;
  return !f.unused || !(last_use(store, id) > *f.unused);
}

/// A pattern matches the familiar name, or name and tag. InvalidArgument if it is none.
Result<bool> matches_reference(const std::vector<std::string>& patterns,
                               const std::string& repository, const std::string& familiar) {
  if (patterns.empty()) return true;
  for (const auto& p : patterns)
    if (TRY(match_pattern(p, familiar)) || TRY(match_pattern(p, repository))) return true;
  return false;
}

/// The names of one image that the patterns let through.
struct ShownNames {
  std::vector<std::pair<std::string, std::string>> tags;  // repository and tag
  std::map<std::string, std::vector<std::string>> digests;
};

Result<ShownNames> shown_names(const std::vector<std::string>& names,
                               const std::vector<std::string>& patterns) {
  ShownNames shown;
  for (const auto& name : names) {
    auto at = name.find('@');
    auto split = at == std::string::npos ? name.rfind(':') : at;
    auto repository = name.substr(0, split);
    if (!TRY(matches_reference(patterns, repository, name))) continue;
    if (at == std::string::npos)
      shown.tags.emplace_back(repository, name.substr(split + 1));
    else
      shown.digests[repository].push_back(name.substr(split + 1));
  }
  return shown;
}

/// The rows of one image: one for each tag, and for each repository that it has only digests of.
/// With `all_digests` one for each digest, too.
void add_rows(std::vector<ImageRow>& rows, const ImageRow& image, const ShownNames& names,
              bool all_digests) {
  std::set<std::string> tagged;
  auto add = [&](const std::string& repository, const std::string& tag) {
    auto known = names.digests.find(repository);
    ImageRow row = image;
    row.repository = repository;
    row.tag = tag;
    if (!all_digests || known == names.digests.end()) {
      rows.push_back(std::move(row));
      return;
    }
    for (const auto& digest : known->second) {
      row.digest = digest;
      rows.push_back(row);
    }
  };
  for (const auto& [repository, tag] : names.tags) {
    tagged.insert(repository);
    add(repository, tag);
  }
  for (const auto& [repository, digests] : names.digests)
    if (!tagged.contains(repository)) add(repository, kNone);
}

/// docker's rules for an image as far as its names decide. `has_child`: another was built on it.
bool is_listed(const ShownNames& names, const ListImagesRequest& request,
               const ImageFilters& filters, bool has_child, bool has_patterns) {
  if (has_child && filters.dangling.value_or(false)) return false;
  if (!names.tags.empty()) return !filters.dangling.value_or(false);
  if (!names.digests.empty()) return true;
  if (has_child && !request.all) return false;
  return filters.dangling.value_or(true) && !has_patterns;
}

Json labels_json(const RunConfig& config) {
  Json labels = Json::object();
  if (config.labels)
    for (const auto& [name, value] : *config.labels) labels.set(name, value);
  return labels;
}

/// What the rows of all images are made from.
struct Listing {
  const Store& store;
  const ListImagesRequest& request;
  ImageFilters filters;
  std::vector<std::string> patterns;
  std::map<ImageID, std::vector<std::string>> names;
  std::set<ImageID> parents;
};

/// None if it is not to be shown, or cannot be. `sizes` is shared by all. Any thread.
Result<std::vector<ImageRow>> rows_of(const Listing& listing, ImageSizes& sizes, ImageID id) {
  static const std::vector<std::string> kNoNames;
  auto named = listing.names.find(id);
  auto shown =
      TRY(shown_names(named != listing.names.end() ? named->second : kNoNames, listing.patterns));
  std::vector<ImageRow> rows;
  if (!is_listed(shown, listing.request, listing.filters, listing.parents.contains(id),
                 !listing.patterns.empty()))
    return rows;
  auto image = listing.store.images().get(id);
  if (!image || !matches(listing.filters, image->config)) return rows;
  if (!matches_notes(listing.filters, listing.store, id)) return rows;
  auto size = sizes.of(image->config);
  if (!size) return rows;  // as dockerd: an image whose layers are gone is not listed
  ImageRow row{
      id, kNone, kNone, kNone, image->config.created, *size, labels_json(image->config.config)};
  if (shown.tags.empty() && shown.digests.empty())
    rows.push_back(std::move(row));
  else
    add_rows(rows, row, shown, listing.request.digests);
  return rows;
}

}  // namespace

Result<std::vector<ImageRow>> list_images(const EngineOptions& engine,
                                          const ListImagesRequest& request) {
  auto store = TRY(open_to_read(engine));
  auto filters = TRY(parse_filters(*store, request.filters));
  auto patterns = filters.references;
  if (!request.reference.empty()) patterns.push_back(request.reference);
  auto repositories = TRY(store->references().load());
  auto ids = TRY(store->images().list());
  std::set<ImageID> parents;
  for (const auto& [child, parent] : TRY(store->images().parents()))
    if (std::binary_search(ids.begin(), ids.end(), child)) parents.insert(parent);

  Listing listing{*store,
                  request,
                  std::move(filters),
                  std::move(patterns),
                  references_by_image(repositories),
                  std::move(parents)};
  ImageSizes sizes(*store);
  std::vector<std::vector<ImageRow>> found(ids.size());
  auto threads = std::min<std::size_t>(processors(), 1 + ids.size() / kImagesForAThread);
  auto find_rows = [&](std::size_t i) -> Result<void> {
    found[i] = TRY(rows_of(listing, sizes, ids[i]));
    return {};
  };
  TRY(for_each_index(ids.size(), threads, find_rows));
  std::vector<ImageRow> rows;
  for (auto& of_one : found) std::move(of_one.begin(), of_one.end(), std::back_inserter(rows));
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ImageRow& a, const ImageRow& b) { return a.created > b.created; });
  return rows;
}

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  return lower;
}

/// What one is told about a repository: by the label of any of its images that has one.
std::string description_of(const Store& store, const std::map<std::string, ImageID>& references) {
  for (const auto& [reference, id] : references) {
    auto image = store.images().get(id);
    if (!image || !image->config.config.labels) continue;
    for (const char* label :
         {"org.opencontainers.image.description", "org.opencontainers.image.title"})
      if (auto found = image->config.config.labels->find(label);
          found != image->config.config.labels->end())
        return found->second;
  }
  return "";
}

}  // namespace

Result<std::vector<SearchRow>> search_images(const EngineOptions& engine, std::string_view term) {
  auto wanted = lower_case(term);
  bool is_pattern = dockerfile::is_glob(wanted);
  auto glob = TRY(dockerfile::Glob::compile(is_pattern ? wanted : "*"));
  auto store = TRY(open_to_read(engine));
  std::vector<SearchRow> rows;
  for (const auto& [name, references] : TRY(store->references().load())) {
    if (is_pattern ? !glob.matches(name) : name.find(wanted) == std::string::npos) continue;
    SearchRow row{name, description_of(*store, references), {}, false};
    for (const auto& [text, id] : references) {
      auto reference = Reference::parse_normalized(text);
      if (!reference) continue;
      row.official = reference->name().starts_with("docker.io/library/");
      if (!reference->digest) row.tags.push_back(reference->tag);
    }
    rows.push_back(std::move(row));
  }
  auto rank = [&](const SearchRow& row) {
    return row.name == wanted ? 0 : row.name.starts_with(wanted) ? 1 : 2;
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const SearchRow& a, const SearchRow& b) {
    return std::pair(rank(a), a.name) < std::pair(rank(b), b.name);
  });
  return rows;
}

Result<Json> inspect_image(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  return look_at_image(*store, name, [&](const Image& image) { return image_view(*store, image); });
}

Result<std::vector<HistoryLine>> history(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  auto rows = TRY(look_at_image(*store, name,
                                [&](const Image& image) { return image_history(*store, image); }));
  std::vector<HistoryLine> lines;
  for (auto& row : rows)
    lines.push_back({row.id ? row.id->str() : "<missing>", row.created, std::move(row.created_by),
                     std::move(row.comment), row.size});
  return lines;
}

Result<std::vector<LayerLine>> layers(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(open_to_read(engine));
  auto rows = TRY(
      look_at_image(*store, name, [&](const Image& image) { return image_layers(*store, image); }));
  std::vector<LayerLine> lines;
  for (auto& row : rows) {
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
  auto parsed = Reference::parse_normalized(target);
  if (!parsed)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Error parsing reference: \"{}\" is not a valid repository/tag: {}",
                             target, parsed.error().message()));
  auto reference = parsed->with_default_tag();
  TRY(check_taggable(reference));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(resolve_image(*store, source));
  return sync_and_name(*store, {reference}, id, Time::now(), engine.lazy);
}

namespace {

Result<void> add_plain_tar(LayerWriter& layer, ByteSource& tar, std::int64_t limit) {
  auto plain = TRY(decompress(tar));
  LimitedSource limited(*plain, limit, "the tar (--max-layer-size)");
  return layer.add_tar(limited);
}

}  // namespace

Result<ImageID> import_image(const EngineOptions& engine, const ImportRequest& request,
                             ByteSource& tar) {
  auto names = TRY(parse_optional_name(request.reference));
  ImageConfig config;
  for (const auto& change : request.changes) TRY(build::apply_change(config.config, change));
  auto platform = host_platform();
  if (!request.platform.empty()) platform = TRY(parse_platform(request.platform));
  if (platform.os != "linux")
    return Error(ErrorCode::InvalidArgument, "operating system is not supported");

  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto donors = TRY(find_donors(*store, std::nullopt));
  auto layer = TRY(LayerWriter::create(*store, {}, std::move(donors)));
  auto added = add_plain_tar(layer, tar, request.max_layer_size);
  // An error of a transfer names its URL, as docker words it.
  if (!added && request.source_name == "-") added.error().add_context("import -");
  TRY(std::move(added));
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
  auto bytes = encode_image_config(config);
  TRY(store->hold(ImageID(sha256(bytes))));
  auto id = TRY(store->images().put(bytes, std::nullopt, false));
  TRY(sync_and_name(*store, names, id, config.created, engine.lazy));
  return id;
}

}  // namespace strata
