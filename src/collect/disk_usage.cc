#include "collect/disk_usage.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/io.h"
#include "fs/walk.h"

namespace strata {
namespace {

constexpr std::int64_t kBlockSize = 512;  // bytes, of st_blocks

/// Files that have several names, over all directories of overlay2/.
struct LinkedFile {
  std::int64_t bytes = 0;
  std::string last_directory;  // where it was met
  int directories = 0;
};
using LinkedFiles = std::map<std::pair<dev_t, ino_t>, LinkedFile>;

/// Bytes of a directory that no directory before it has.
Result<std::int64_t> new_bytes(int overlay, const std::string& name, LinkedFiles& linked) {
  auto dir = TRY(open_dir(overlay, name));
  std::int64_t total = 0;
  TRY(walk_tree(dir.get(), [&](const WalkEntry& e) -> Result<WalkStep> {
    if (e.path == "merged") return WalkStep::Skip;  // a container's files once more, if it runs
    auto bytes = e.st.st_blocks * kBlockSize;
    if (!S_ISDIR(e.st.st_mode) && e.st.st_nlink > 1) {
      auto& file = linked[{e.st.st_dev, e.st.st_ino}];
      if (file.last_directory != name) {
        file.directories++;
        file.last_directory = name;
      } else {
        return WalkStep::Skip;
      }
      if (file.directories > 1) return WalkStep::Skip;
      file.bytes = bytes;
    }
    total += bytes;
    return WalkStep::Enter;
  }));
  return total;
}

Result<std::set<std::string>> named_caches(const Store& store) {
  std::set<std::string> names;
  for (const auto& layer : TRY(store.layers().list())) names.insert(layer.cache_id);
  for (const auto& container : TRY(store.layers().mounts())) {
    auto mount = store.layers().mount(container);
    if (!mount) continue;
    names.insert(mount->mount_id);
    names.insert(mount->init_id);
  }
  return names;
}

}  // namespace

Result<ImagesSpace> images_space(const Store& store, const Usage& usage) {
  std::map<ChainID, std::int64_t> sizes;
  for (const auto& layer : TRY(store.layers().list())) sizes[layer.chain_id] = layer.size;
  std::map<ChainID, int> images_with;
  for (const auto& [id, use] : usage.images) {
    if (Usage::is_intermediate(use)) continue;
    for (const auto& chain : chain_ids(use.config.diff_ids)) images_with[chain]++;
  }
  ImagesSpace space;
  for (const auto& [id, use] : usage.images) {
    if (Usage::is_intermediate(use)) continue;
    ImageSpace image;
    image.id = id;
    auto tag = std::find_if(use.names.begin(), use.names.end(),
                            [](const Reference& name) { return !name.digest; });
    if (tag != use.names.end()) image.name = *tag;
    image.created = use.config.created;
    bool complete = true;
    for (const auto& chain : chain_ids(use.config.diff_ids)) {
      auto layer_size = sizes.find(chain);
      if (layer_size == sizes.end()) {
        complete = false;  // as dockerd: an image whose layers are gone is not listed
        break;
      }
      image.size += layer_size->second;
      if (images_with[chain] > 1) image.shared += layer_size->second;
    }
    if (!complete) continue;
    for (const auto& record : usage.containers)
      if (record.image == id.str()) image.containers++;
    space.images.push_back(std::move(image));
  }
  for (const auto& [chain, count] : images_with)
    if (auto size = sizes.find(chain); size != sizes.end()) space.layers += size->second;
  std::stable_sort(space.images.begin(), space.images.end(),
                   [](const auto& a, const auto& b) { return a.created > b.created; });
  return space;
}

Result<DiskSpace> disk_space(const Store& store) {
  DiskSpace space;
  auto named = TRY(named_caches(store));
  int overlay = store.caches().dir();
  auto caches = TRY(list_dir(overlay));
  // What is named first: a file that it shares with the rest does not become free with the rest.
  std::stable_partition(caches.begin(), caches.end(),
                        [&](const auto& name) { return named.contains(name); });
  LinkedFiles linked;
  for (const auto& name : caches) {
    auto st = stat_at(overlay, name);
    if (name == "l" || !st || !S_ISDIR(st->st_mode)) continue;  // backingFsBlockDev is a device
    auto bytes = new_bytes(overlay, name, linked);
    if (!bytes && bytes.error().code() == ErrorCode::NotFound) continue;  // removed meanwhile
    auto size = TRY(std::move(bytes));
    space.on_disk += size;
    if (!named.contains(name)) space.unreachable += size;
  }
  for (const auto& [inode, file] : linked)
    space.saved_by_links += (file.directories - 1) * file.bytes;
  return space;
}

}  // namespace strata
