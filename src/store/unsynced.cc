#include "store/unsynced.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/io.h"
#include "base/temp_dir.h"
#include "store/layer_reader.h"
#include "store/store.h"

namespace strata {
namespace {

constexpr const char* kUnsynced = "unsynced";
constexpr std::size_t kBootId = 36;  // characters

std::string read_boot_id() {
  auto text = read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id");
  return text && text->size() >= kBootId ? text->substr(0, kBootId) : std::string(kBootId, '0');
}

/// "<boot>.<kind>-<hex>"; nothing else is in the directory.
Unsynced::Name split_name(const std::string& file) {
  Unsynced::Name name{.file = file, .boot = file.substr(0, kBootId), .kind = {}, .hex = {}};
  auto dash = file.find('-', std::min(kBootId + 1, file.size()));
  if (dash == std::string::npos) return name;
  name.kind = file.substr(kBootId + 1, dash - kBootId - 1);
  name.hex = file.substr(dash + 1);
  return name;
}

}  // namespace

Result<void> Unsynced::add(const char* kind, const std::string& hex) const {
  auto path = fmt::format("{}/{}.{}-{}", kUnsynced, this_boot(), kind, hex);
  auto made = open_at(own_dir_, path, O_WRONLY | O_CREAT, 0600);
  if (!made && made.error().code() == ErrorCode::NotFound) {
    TRY(make_dirs(own_dir_, kUnsynced, 0700));
    made = open_at(own_dir_, path, O_WRONLY | O_CREAT, 0600);
  }
  if (!made) return std::move(made).error();
  return {};
}

Result<std::vector<Unsynced::Name>> Unsynced::list() const {
  std::vector<Name> names;
  auto files = list_dir(own_dir_, kUnsynced);
  if (!files && files.error().code() == ErrorCode::NotFound) return names;
  if (!files) return std::move(files).error();
  for (const auto& file : *files) names.push_back(split_name(file));
  return names;
}

void Unsynced::remove(const Name& name) const {
  ::unlinkat(own_dir_, (std::string(kUnsynced) + '/' + name.file).c_str(), 0);
}

void Unsynced::forget_container(const std::string& id) const {
  remove(
      {.file = fmt::format("{}.container-{}", this_boot(), id), .boot = {}, .kind = {}, .hex = {}});
}

const std::string& Unsynced::this_boot() {
  static const std::string kId = read_boot_id();
  return kId;
}

namespace {

/// The store after a reboot, and what of it is not to be trusted.
class Settler {
 public:
  explicit Settler(const Store& store) : store_(store) {}

  Result<void> run(const std::vector<Unsynced::Name>& names) {
    for (const auto& name : names) {
      auto digest = Digest::parse("sha256:" + name.hex);
      if (name.kind == "layer" && digest) layers_[ChainID(*digest)] = State::Unknown;
      if (name.kind == "image" && digest) images_.push_back(ImageID(*digest));
      if (name.is_time() && digest) TRY(store_.images().drop_empty_metadata(ImageID(*digest)));
      if (name.kind == "container") TRY(settle_container(name.hex));
    }
    for (const auto& [chain, state] : layers_) (void)is_broken(chain);
    TRY(settle_images());
    return remove_layers();
  }

 private:
  enum class State : std::uint8_t { Unknown, Sound, Broken };

  /// Also if the one below it is: it is removed, and nothing may stand on it.
  bool is_broken(ChainID chain) {
    auto known = layers_.find(chain);
    if (known == layers_.end()) return !store_.layers().contains(chain);
    if (known->second == State::Unknown) {
      auto layer = store_.layers().get(chain);
      bool is_sound = layer && !(layer->parent && is_broken(*layer->parent)) && is_whole(*layer);
      known->second = is_sound ? State::Sound : State::Broken;
    }
    return known->second == State::Broken;
  }

  bool is_whole(const LayerInfo& layer) const {
    auto ignore = [](std::string_view) -> Result<void> { return {}; };
    if (!read_layer(store_, layer, ignore)) return false;
    std::optional<std::string> below;
    if (layer.parent) {
      auto parent = store_.layers().get(*layer.parent);
      if (!parent) return false;
      below = parent->cache_id;
    }
    return stands_on(layer.cache_id, below);
  }

  /// Are `link` and `lower` of the cache what they were?
  bool stands_on(const std::string& cache, const std::optional<std::string>& below) const {
    auto stack = store_.caches().stack(cache);
    if (!stack || !stat_at(store_.caches().dir(), stack->front())) return false;
    stack->erase(stack->begin());
    if (!below) return stack->empty();
    auto wanted = store_.caches().stack(*below);
    return wanted && *stack == *wanted;
  }

  Result<void> settle_images() {
    auto names = references_by_image(TRY(store_.references().load()));
    for (const auto& id : images_) {
      auto image = store_.images().get(id);
      if (!image && image.error().code() == ErrorCode::NotFound) continue;
      bool is_sound = image.has_value();
      if (image)
        for (const auto& chain : chain_ids(image->config.diff_ids))
          is_sound = is_sound && !is_broken(chain);
      if (is_sound)
        TRY(store_.images().drop_empty_metadata(id));
      else if (!names.contains(id))  // else it is for `strata check` to say
        TRY(remove_image(id));
    }
    return {};
  }

  Result<void> remove_image(ImageID id) {
    const auto parents = TRY(store_.images().parents());
    return store_.images().remove(id, parents);
  }

  /// What an image still needs, against all rules, is left for `strata check`.
  Result<void> remove_layers() {
    if (layers_.empty()) return {};
    std::set<ChainID> needed;
    for (const auto& id : TRY(store_.images().list()))
      if (auto image = store_.images().get(id))
        for (const auto& chain : chain_ids(image->config.diff_ids)) needed.insert(chain);
    for (const auto& [chain, state] : layers_) {
      if (state != State::Broken || needed.contains(chain) || !store_.layers().contains(chain))
        continue;
      // Not by LayerDB::get(): another of its files may be the one that is empty.
      auto cache_id = read_file(
          store_.dir(), "image/overlay2/layerdb/sha256/" + chain.digest().hex() + "/cache-id");
      auto entry = TRY(store_.layers().condemn(chain));
      if (cache_id && !cache_id->empty()) TRY(store_.caches().remove(*cache_id));
      TRY(store_.layers().remove_condemned(entry));
    }
    return {};
  }

  /// One whose records are not whole was never started: a start syncs them.
  Result<void> settle_container(const std::string& id) {
    auto dir = open_dir(store_.containers_dir(), id);
    if (!dir) return {};
    auto mount = store_.layers().mount(id);
    bool is_sound = mount && has_bytes(dir->get(), "config.v2.json") &&
                    has_bytes(dir->get(), "hostconfig.json");
    if (is_sound) {
      auto top = mount->parent ? store_.layers().get(*mount->parent) : Result<LayerInfo>({});
      auto below = mount->parent && top ? std::optional(top->cache_id) : std::nullopt;
      is_sound = top && (mount->init_id.empty() || stands_on(mount->init_id, below)) &&
                 stands_on(mount->mount_id, mount->init_id.empty() ? below : mount->init_id);
    }
    if (is_sound) return {};
    TRY(remove_tree(store_.containers_dir(), id));
    // Caches that it cannot name any more are found by `strata check`.
    if (stat_at(store_.dir(), "image/overlay2/layerdb/mounts/" + id))
      TRY(store_.layers().remove_mount(id));
    if (mount) TRY(store_.caches().remove(mount->mount_id));
    if (mount && !mount->init_id.empty()) TRY(store_.caches().remove(mount->init_id));
    return {};
  }

  static bool has_bytes(int dir, const char* name) {
    auto st = stat_at(dir, name);
    return st && st->st_size > 0;
  }

  const Store& store_;
  std::map<ChainID, State> layers_;
  std::vector<ImageID> images_;
};

Result<std::vector<Unsynced::Name>> of_earlier_boots(const Unsynced& unsynced) {
  auto names = TRY(unsynced.list());
  std::erase_if(names, [](const auto& name) { return name.boot == Unsynced::this_boot(); });
  return names;
}

}  // namespace

Result<void> settle_unsynced(const Store& store) {
  Unsynced unsynced(store.own_dir());
  if (TRY(of_earlier_boots(unsynced)).empty()) return {};
  auto removal = TRY(store.begin_removal());  // only one process does it
  auto names = TRY(of_earlier_boots(unsynced));
  TRY(Settler(store).run(names).context("look at what was written before the power cut"));
  for (const auto& name : names) unsynced.remove(name);
  return {};
}

}  // namespace strata
