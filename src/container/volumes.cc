#include "container/volumes.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/io.h"
#include "base/random_id.h"
#include "base/temp_dir.h"
#include "container/changes.h"
#include "container/copy_tree.h"
#include "container/names.h"

namespace strata {
namespace {

Result<UniqueFd> open_volumes(const Store& store) {
  TRY(make_dirs(store.dir(), "volumes", 0701));
  return open_dir(store.dir(), "volumes");
}

Result<void> check_volume_name(const std::string& name) {
  if (check_container_name(name)) return {};
  return Error(
      ErrorCode::InvalidArgument,
      fmt::format("create {0}: \"{0}\" includes invalid characters for a local volume name, only "
                  "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                  "directory, use absolute path",
                  name));
}

/// What the image has at `path` becomes the content of a volume that is still empty.
Result<void> copy_up(int image_root, const std::string& path, int volume) {
  if (image_root < 0) return {};
  auto source = open_in_root(image_root, path, Resolve::InRoot, O_RDONLY | O_DIRECTORY);
  if (!source) return {};  // no directory there: nothing to copy
  if (!TRY(list_dir(volume)).empty()) return {};
  TRY(copy_tree(source->get(), volume));
  return copy_root_metadata(source->get(), volume);
}

}  // namespace

NewVolumes::~NewVolumes() {
  if (made_.empty()) return;
  auto volumes = open_volumes(store_);
  if (!volumes) return;
  for (const auto& name : made_) (void)remove_tree(volumes->get(), name);
}

Result<void> NewVolumes::make(ContainerRecord& record, int image_root) {
  for (const auto& path : record.config.volumes.value_or(std::set<std::string>())) {
    bool is_mounted = std::any_of(record.mounts.begin(), record.mounts.end(),
                                  [&](const auto& m) { return m.destination == path; });
    if (is_mounted) continue;
    MountPoint m;
    m.type = "volume";
    m.destination = path;
    m.anonymous = true;
    record.mounts.push_back(std::move(m));
  }
  bool any = std::any_of(record.mounts.begin(), record.mounts.end(),
                         [](const auto& m) { return m.type == "volume"; });
  if (!any) return {};
  auto volumes = TRY(open_volumes(store_));
  for (auto& m : record.mounts) {
    if (m.type != "volume") continue;
    if (m.name.empty()) m.name = random_hex(32);
    TRY(check_volume_name(m.name));
    TRY(store_.hold_volume(m.name));  // until the container's record names it
    if (::mkdirat(volumes.get(), m.name.c_str(), 0701) == 0)
      made_.push_back(m.name);
    else if (errno != EEXIST)
      return Error::from_errno(errno, "mkdir volumes/" + m.name);
    TRY(make_dirs(volumes.get(), m.name + "/_data", 0755));
    m.source = store_.path() + "/volumes/" + m.name + "/_data";
    auto data = TRY(open_dir(volumes.get(), m.name + "/_data"));
    TRY(copy_up(image_root, m.destination, data.get()).context("volume {}", m.name));
  }
  return {};
}

Result<std::vector<VolumeUse>> list_volumes(const Store& store) {
  std::vector<VolumeUse> found;
  auto volumes = open_dir(store.dir(), "volumes");
  if (!volumes && volumes.error().code() == ErrorCode::NotFound) return found;
  if (!volumes) return std::move(volumes).error();
  auto containers = TRY(list_containers(store));
  for (const auto& name : TRY(list_dir(volumes->get()))) {
    auto data = open_dir(volumes->get(), name + "/_data");
    if (!data) continue;  // metadata.db, backingFsBlockDev
    VolumeUse volume{name, TRY(tree_size(data->get()).context("volume {}", name)), 0};
    for (const auto& record : containers)
      if (std::any_of(record.mounts.begin(), record.mounts.end(),
                      [&](const auto& m) { return m.name == name; }))
        volume.links++;
    found.push_back(std::move(volume));
  }
  return found;
}

Result<std::vector<VolumeUse>> prune_volumes(const Store& store) {
  auto removal = TRY(store.begin_removal());
  std::vector<VolumeUse> removed;
  auto volumes = TRY(open_volumes(store));
  for (auto& volume : TRY(list_volumes(store))) {
    if (volume.links > 0 || removal.holds_volume(volume.name)) continue;
    TRY(remove_tree(volumes.get(), volume.name));
    removed.push_back(std::move(volume));
  }
  return removed;
}

Result<void> remove_anonymous_volumes(const Store& store, const ContainerRecord& record) {
  std::vector<std::string> names;
  for (const auto& m : record.mounts)
    if (m.anonymous && check_container_name(m.name)) names.push_back(m.name);
  if (names.empty()) return {};
  for (const auto& other : TRY(list_containers(store)))
    for (const auto& m : other.mounts) std::erase(names, m.name);
  auto volumes = TRY(open_volumes(store));
  for (const auto& name : names) {
    auto removed = remove_tree(volumes.get(), name);
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  }
  return {};
}

}  // namespace strata
