#include <algorithm>
#include <charconv>

#include "base/io.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "check/detail/checker.h"
#include "fs/walk.h"
#include "store/layer_reader.h"
#include "store/layer_rebuild.h"
#include "tar/split.h"

namespace strata::detail {
namespace {

constexpr const char* kSplit = "/tar-split.json.gz";

/// docs/store.md, 2.3: bytes of all but directories, each inode once.
Result<std::int64_t> bytes_of_files(int diff) {
  std::int64_t sum = 0;
  std::set<ino_t> seen;
  TRY(walk_tree(diff, [&](const WalkEntry& file) -> Result<WalkStep> {
    if (!S_ISDIR(file.st.st_mode) && seen.insert(file.st.st_ino).second) sum += file.st.st_size;
    return WalkStep::Enter;
  }));
  return sum;
}

/// The same as BuildKit counts; it also shows whether the file can be read to its end.
Result<std::int64_t> bytes_in_split(const Store& store, const std::string& path) {
  auto file = TRY(open_at(store.dir(), path, O_RDONLY | O_NOFOLLOW));
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  std::int64_t sum = 0;
  while (auto entry = TRY(split.next())) sum += entry->size;
  return sum;
}

/// As dockerd reads it: digits and nothing else.
std::optional<std::int64_t> parse_size(const std::string& text) {
  std::int64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < 0) return std::nullopt;
  return size;
}

std::string word(std::string text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.pop_back();
  return text;
}

bool has_diff(const Store& store, const std::string& cache) {
  return !cache.empty() && store.caches().open_diff(cache).has_value();
}

}  // namespace

std::vector<std::string> Checker::names(const WantedLayer& layer) {
  return {layer.images.begin(), layer.images.end()};
}

LayerInfo Checker::info(const WantedLayer& layer) const {
  return {layer.chain, layer.diff, layer.parent, 0, layer.cache_id};
}

Result<void> Checker::check_layers() {
  using LayerStep = Result<bool> (Checker::*)(WantedLayer&);
  static constexpr LayerStep kSteps[] = {
      &Checker::check_entry, &Checker::check_cache_id, &Checker::check_words, &Checker::check_split,
      &Checker::check_size,  &Checker::check_link,     &Checker::check_lower};
  report_.layers = layers_.size();
  TRY(find_shared_caches());
  for (auto& layer : layers_) {
    if (layer.parent && lost_.contains(*layer.parent)) {
      TRY(lose(layer));
      continue;
    }
    for (auto step : kSteps)
      if (!TRY((this->*step)(layer))) break;
  }
  return {};
}

/// What stands on a lost layer is lost with it: were it kept, loading the image again would put a
/// new layer below it that its `lower` does not know.
Result<void> Checker::lose(const WantedLayer& layer) {
  lost_.insert(layer.chain);
  if (!request_.repair || !stat_at(store_.dir(), layer.entry())) return {};
  auto cache = read_file(store_.dir(), layer.entry() + "/cache-id", 4096);
  TRY(quarantine(layer.entry()));
  if (cache && has_diff(store_, word(*cache)) && !shared_caches_.contains(word(*cache)))
    TRY(quarantine("overlay2/" + word(*cache)));
  return {};
}

Result<bool> Checker::check_entry(WantedLayer& layer) {
  if (stat_at(store_.dir(), layer.entry())) return true;
  Finding finding{.path = layer.entry(), .what = "is missing", .images = names(layer)};
  if (auto cache = TRY(find_files(layer))) {
    layer.cache_id = *cache;
    finding.remedy = "made again from the files in overlay2/" + *cache;
    return mend(std::move(finding), [&] { return restore_entry(layer, *cache); });
  }
  if (donor_has(layer.diff)) return restore_layer(layer, finding);
  finding.remedy = "load or pull the image again";
  damage(std::move(finding));
  TRY(lose(layer));
  return false;
}

Result<bool> Checker::check_cache_id(WantedLayer& layer) {
  auto path = layer.entry() + "/cache-id";
  auto text = read_file(store_.dir(), path, 4096);
  bool is_there = text && has_diff(store_, word(*text));
  layer.cache_id = is_there ? word(*text) : "";
  // Of two layers that name one cache it belongs to the one whose files are in it.
  bool is_anothers = is_there && shared_caches_.contains(layer.cache_id) && !has_contents(layer);
  if (is_there && !is_anothers) return true;
  layer.cache_id.clear();
  Finding finding{.path = path, .images = names(layer)};
  finding.what = !text                 ? "is missing"
                 : word(*text).empty() ? "is empty"
                 : is_anothers         ? "names " + word(*text) + ", which is another layer's"
                                       : "names " + word(*text) + ", which is not there";
  if (auto cache = TRY(find_cache(layer))) {
    layer.cache_id = *cache;
    finding.remedy = "written again: the files are in overlay2/" + *cache;
    mend(std::move(finding),
         [&] { return write_file_atomic(store_.dir(), path, layer.cache_id, 0644); });
    return true;
  }
  finding.what += "; the files of the layer are gone";
  if (donor_has(layer.diff)) return restore_layer(layer, finding);
  finding.remedy = "load or pull the image again; what is left goes to strata/quarantine";
  damage(std::move(finding));
  TRY(lose(layer));
  return false;
}

void Checker::check_word(const WantedLayer& layer, const char* file, const std::string& right) {
  auto path = layer.entry() + "/" + file;
  auto text = read_file(store_.dir(), path, 4096);
  if (text ? word(*text) == right : right.empty()) return;
  mend({.path = path,
        .what = !text                 ? "is missing"
                : word(*text).empty() ? "is empty"
                                      : "does not fit the images on it",
        .remedy = right.empty() ? "removed: it is a bottom layer" : "written again from the config",
        .images = names(layer)},
       [&]() -> Result<void> {
         if (right.empty()) return quarantine(path);
         return write_file_atomic(store_.dir(), path, right, 0644);
       });
}

Result<bool> Checker::check_words(WantedLayer& layer) {
  check_word(layer, "diff", layer.diff.str());
  check_word(layer, "parent", layer.parent ? layer.parent->str() : "");
  return true;
}

Result<bool> Checker::check_size(WantedLayer& layer) {
  auto path = layer.entry() + "/size";
  auto text = read_file(store_.dir(), path, 4096);
  if (text && parse_size(*text)) {
    auto diff = TRY(store_.caches().open_diff(layer.cache_id));
    if (parse_size(*text) != TRY(bytes_of_files(diff.get()))) odd_sizes_.push_back(&layer);
    return true;
  }
  auto diff = TRY(store_.caches().open_diff(layer.cache_id));
  auto bytes = TRY(bytes_of_files(diff.get()));
  mend({.path = path,
        .what = !text           ? "is missing"
                : text->empty() ? "is empty"
                                : "is not a number",
        .remedy = "counted again",
        .images = names(layer)},
       [&] { return write_file_atomic(store_.dir(), path, std::to_string(bytes), 0644); });
  return true;
}

/// After the contents: where a file is lost, the number may be the one thing that is right.
Result<void> Checker::check_odd_sizes() {
  for (const auto* layer : odd_sizes_) {
    if (changed_.contains(layer->chain) || lost_.contains(layer->chain)) continue;
    auto path = layer->entry() + "/size";
    auto said = parse_size(TRY(read_file(store_.dir(), path, 4096)));
    auto diff = TRY(store_.caches().open_diff(layer->cache_id));
    auto bytes = TRY(bytes_of_files(diff.get()));
    if (!said || *said == bytes) continue;
    auto in_tar = unreadable_.contains(layer->chain)
                      ? Result<std::int64_t>(bytes)
                      : bytes_in_split(store_, layer->entry() + kSplit);
    if (in_tar && *in_tar == *said) continue;
    mend({.path = path,
          .what = fmt::format("says {}, the files have {} bytes", *said, bytes),
          .remedy = "counted again",
          .images = names(*layer)},
         [&] { return write_file_atomic(store_.dir(), path, std::to_string(bytes), 0644); });
  }
  return {};
}

Result<bool> Checker::check_split(WantedLayer& layer) {
  auto path = layer.entry() + kSplit;
  auto bytes = bytes_in_split(store_, path);
  if (bytes) return true;
  Finding finding{.path = path, .what = bytes.error().message(), .images = names(layer)};
  if (bytes.error().code() == ErrorCode::NotFound) finding.what = "is missing";
  auto null = TRY(open_at(AT_FDCWD, "/dev/null", O_WRONLY));
  auto files = record_cache(store_, layer.cache_id, std::move(null));
  if (files && files->diff_id == layer.diff) {
    finding.remedy = "made again from the files";
    if (!mend(std::move(finding), [&] { return rebuild_split(layer); }))
      unreadable_.insert(layer.chain);
    return true;
  }
  if (donor_has(layer.diff)) return restore_layer(layer, finding);
  unreadable_.insert(layer.chain);
  finding.remedy = "the image runs but cannot be saved: remove it and load or pull it again";
  damage(std::move(finding));
  return true;
}

Result<void> Checker::rebuild_split(const WantedLayer& layer) {
  auto files = TRY(store_.layers().begin());
  auto split = TRY(open_at(files.fd(), "tar-split.json.gz", O_WRONLY | O_CREAT | O_EXCL, 0644));
  TRY(record_cache(store_, layer.cache_id, std::move(split)));
  auto entry = TRY(open_dir(store_.dir(), layer.entry()));
  if (::renameat(files.fd(), "tar-split.json.gz", entry.get(), "tar-split.json.gz") < 0)
    return Error::from_errno(errno, "rename tar-split.json.gz");
  return {};
}

Result<void> Checker::restore_entry(const WantedLayer& layer, const std::string& cache) {
  auto files = TRY(store_.layers().begin());
  auto split = TRY(open_at(files.fd(), "tar-split.json.gz", O_WRONLY | O_CREAT | O_EXCL, 0644));
  auto sealed = TRY(record_cache(store_, cache, std::move(split)));
  auto entry = info(layer);
  entry.cache_id = cache;
  entry.size = sealed.size;
  return store_.layers().publish(std::move(files), entry);
}

bool Checker::has_contents(const WantedLayer& layer) const {
  auto ignore = [](std::string_view) -> Result<void> { return {}; };
  return read_layer(store_, info(layer), ignore).has_value();
}

Result<void> Checker::find_shared_caches() {
  std::set<std::string> seen;
  auto dir = TRY(open_dir(store_.dir(), kLayers));
  for (const auto& name : TRY(list_dir(dir.get()))) {
    auto cache = read_file(dir.get(), name + "/cache-id", 4096);
    if (cache && !word(*cache).empty() && Digest::parse("sha256:" + name) &&
        !seen.insert(word(*cache)).second)
      shared_caches_.insert(word(*cache));
  }
  return {};
}

Result<std::optional<std::string>> Checker::find_cache(const WantedLayer& layer) const {
  for (const auto& cache : TRY(unnamed_caches())) {
    auto candidate = info(layer);
    candidate.cache_id = cache;
    auto ignore = [](std::string_view) -> Result<void> { return {}; };
    if (read_layer(store_, candidate, ignore)) return std::optional(cache);
  }
  return find_files(layer);
}

Result<std::optional<std::string>> Checker::find_files(const WantedLayer& layer) const {
  for (const auto& cache : TRY(unnamed_caches())) {
    auto null = TRY(open_at(AT_FDCWD, "/dev/null", O_WRONLY));
    auto files = record_cache(store_, cache, std::move(null));
    if (files && files->diff_id == layer.diff) return std::optional(cache);
  }
  return std::optional<std::string>();
}

Result<bool> Checker::check_link(WantedLayer& layer) {
  check_cache_link(layer.cache_id, names(layer));
  return true;
}

Result<bool> Checker::check_lower(WantedLayer& layer) {
  if (layer.parent && waiting_.contains(*layer.parent)) return true;
  auto parent = layer.parent ? layers_[index_.at(*layer.parent)].cache_id : "";
  check_cache_parent(layer.cache_id, parent, names(layer));
  return true;
}

}  // namespace strata::detail
