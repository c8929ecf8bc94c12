#include "container/remove.h"

#include "base/io.h"
#include "base/temp_dir.h"
#include "container/volumes.h"

namespace strata {
namespace {

Result<void> stop_first(const Store& store, const std::string& id, const RemoveRequest& request) {
  auto record = TRY(load_container(store, id));
  if (!is_alive(record)) return {};
  if (!request.force || !request.kill) {
    bool paused = record.state.paused;
    return Error(
        ErrorCode::Conflict,
        fmt::format("You cannot remove a {} container {}. {} before attempting removal or "
                    "force remove",
                    paused ? "paused" : "running", id,
                    paused ? "Unpause and then stop the container" : "Stop the container"));
  }
  return request.kill(record).context("Could not kill running container {}, cannot remove", id);
}

/// Not an error if it is gone already.
Result<void> remove_if_there(int dir, const std::string& name) {
  auto removed = remove_tree(dir, name);
  if (!removed && removed.error().code() == ErrorCode::NotFound) return {};
  return removed;
}

Result<void> remove_layers(const Store& store, const std::string& id) {
  auto mount = store.layers().mount(id);
  if (!mount && mount.error().code() == ErrorCode::NotFound) return {};
  if (!mount) return std::move(mount).error();
  TRY(store.layers().remove_mount(id));
  TRY(store.caches().remove(mount->mount_id));
  if (!mount->init_id.empty()) TRY(store.caches().remove(mount->init_id));
  return {};
}

}  // namespace

Result<void> remove_container(const Store& store, const std::string& id,
                              const RemoveRequest& request) {
  TRY(stop_first(store, id, request));
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  if (is_alive(record))  // started again meanwhile
    return Error(ErrorCode::Conflict,
                 fmt::format("You cannot remove a running container {}. Stop the container "
                             "before attempting removal or force remove",
                             id));
  // Whoever finds it half removed after a crash, a dockerd too, knows what was meant.
  record.state.removal_in_progress = true;
  TRY(save_container(store, record));
  TRY(remove_if_there(store.containers_dir(), id));
  TRY(remove_layers(store, id).context("container {}", id));
  if (request.volumes) TRY(remove_anonymous_volumes(store, record));
  TRY(remove_if_there(store.own_dir(), "containers/" + id));
  return remove_if_there(store.own_dir(), "containers/" + id + ".lock");
}

}  // namespace strata
