#include "container/root.h"

#include <fcntl.h>

#include "base/io.h"
#include "container/liveness.h"
#include "fs/overlay_mount.h"

namespace strata {
namespace {

Result<UniqueFd> mount_writable(const Store& store, const std::string& id) {
  auto layers = TRY(store.layers().mount(id));
  OverlaySpec spec;
  spec.overlay_dir = store.caches().dir();
  spec.lowers = TRY(store.caches().stack(layers.mount_id));
  spec.lowers.erase(spec.lowers.begin());  // its own, which is the upper directory
  spec.upper = layers.mount_id + "/diff";
  spec.work = layers.mount_id + "/work";
  auto mount = TRY(mount_overlay(spec));
  return open_dir(mount.get(), ".");
}

bool covers(const MountPoint& mount, const std::string& path) {
  return mount.type != "tmpfs" && path.starts_with(mount.destination) &&
         (path.size() == mount.destination.size() || path[mount.destination.size()] == '/');
}

/// The mount that hides all others at `path`.
const MountPoint* innermost(const std::vector<MountPoint>& mounts, const std::string& path) {
  const MountPoint* best = nullptr;
  for (const auto& mount : mounts)
    if (covers(mount, path) &&
        (best == nullptr || mount.destination.size() > best->destination.size()))
      best = &mount;
  return best;
}

}  // namespace

Result<ContainerPlace> find_place(const Store& store, const ContainerRecord& record,
                                  const std::string& path) {
  if (is_running(store, record)) {
    auto root = TRY(open_dir(AT_FDCWD, fmt::format("/proc/{}/root", record.state.pid)));
    return ContainerPlace{std::move(root), path};
  }
  const auto* mount = innermost(record.mounts, path);
  if (mount == nullptr) {
    auto root = TRY(mount_writable(store, record.id));
    return ContainerPlace{std::move(root), path};
  }
  auto rest = path.substr(mount->destination.size());
  auto root = TRY(open_dir(AT_FDCWD, mount->source));
  return ContainerPlace{std::move(root), rest.empty() ? "/" : rest};
}

}  // namespace strata
