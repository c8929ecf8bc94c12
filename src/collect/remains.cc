#include "collect/remains.h"

#include <sys/stat.h>

#include "base/io.h"
#include "image/reference.h"

namespace strata {
namespace {

constexpr const char* kWrite = "was left by an interrupted write";
constexpr const char* kRemoval = "was left by an interrupted removal";
constexpr const char* kMounts = "image/overlay2/layerdb/mounts";
constexpr const char* kMetadata = "image/overlay2/imagedb/metadata/sha256";

struct Place {
  const char* dir;
  const char* prefix;
  const char* suffix;
  const char* what;
};

constexpr Place kPlaces[] = {
    {"image/overlay2/layerdb/tmp", "", "", kWrite},
    {"image/overlay2/layerdb/sha256", "", "-removing", kRemoval},
    {"image/overlay2", ".tmp-", "", kWrite},
    {"image/overlay2/imagedb/content/sha256", ".tmp-", "", kWrite},
    {"strata", ".tmp-", "", kWrite},
    {"strata", "new-container-", "", kWrite},
    {"strata", "removed-", "", kRemoval},
    {"strata", "add-", "", kWrite},
    {"strata", "context-", "", kWrite},
    {"strata", "heredoc-", "", kWrite},
    {"strata/steps", ".tmp-", "", kWrite},
    {"strata/memo", ".tmp-", "", kWrite},
};

/// None if there is no such directory.
Result<std::vector<std::string>> names_in(const Store& store, const std::string& path) {
  auto dir = open_dir(store.dir(), path);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return std::vector<std::string>();
  if (!dir) return std::move(dir).error();
  return list_dir(dir->get());
}

Result<void> add_metadata(const Store& store, std::vector<Remain>& found) {
  for (const auto& name : TRY(names_in(store, kMetadata))) {
    auto path = std::string(kMetadata) + '/' + name;
    auto id = Digest::parse("sha256:" + name);
    if (!id) continue;
    if (!store.images().contains(ImageID(*id))) {
      found.push_back({path, "is of an image that is gone"});
      continue;
    }
    for (const auto& key : TRY(names_in(store, path)))
      if (key.starts_with(".tmp-")) found.push_back({path + '/' + key, kWrite});
  }
  return {};
}

/// Pins are kept: the image may come back.
Result<void> add_uses(const Store& store, std::vector<Remain>& found) {
  for (const auto& name : TRY(names_in(store, "strata/used")))
    if (auto id = Digest::parse("sha256:" + name); !id || !store.images().contains(ImageID(*id)))
      found.push_back({"strata/used/" + name, "is of an image that is gone"});
  return {};
}

/// The container's directory comes last when it is made and goes first when it is removed.
Result<void> add_containers(const Store& store, std::vector<Remain>& found) {
  for (const auto& name : TRY(store.layers().mounts()))
    if (is_full_id(name) && !stat_at(store.containers_dir(), name))
      found.push_back({std::string(kMounts) + '/' + name, "is of a container that is gone"});
  for (const auto& id : TRY(list_dir(store.containers_dir())))
    for (const auto& file : TRY(names_in(store, "containers/" + id)))
      if (file.starts_with(".tmp-")) found.push_back({"containers/" + id + '/' + file, kWrite});
  return {};
}

/// "run-" and 64 digits is the bundle of a container, with fewer that of a build's step.
Result<void> add_bundles(const Store& store, std::vector<Remain>& found) {
  constexpr std::string_view kBundle = "run-";
  for (const auto& name : TRY(names_in(store, "strata"))) {
    if (!name.starts_with(kBundle)) continue;
    auto id = name.substr(kBundle.size());
    if (!is_full_id(id) || !stat_at(store.containers_dir(), id))
      found.push_back({"strata/" + name, "is of a process that is gone"});
  }
  return {};
}

}  // namespace

Result<std::vector<Remain>> find_remains(const Store& store) {
  std::vector<Remain> found;
  for (const auto& place : kPlaces)
    for (const auto& name : TRY(names_in(store, place.dir)))
      if (name.starts_with(place.prefix) && name.ends_with(place.suffix))
        found.push_back({std::string(place.dir) + '/' + name, place.what});
  TRY(add_metadata(store, found));
  TRY(add_uses(store, found));
  TRY(add_containers(store, found));
  TRY(add_bundles(store, found));
  return found;
}

}  // namespace strata
