#include "container/remove.h"

#include "base/io.h"
#include "base/temp_dir.h"
#include "container/running.h"
#include "container/volumes.h"

namespace strata {
namespace {

Error still_runs(const ContainerRecord& record) {
  bool paused = record.state.paused;
  return Error(ErrorCode::Conflict,
               fmt::format("You cannot remove a {} container {}. {} before attempting removal or "
                           "force remove",
                           paused ? "paused" : "running", record.id,
                           paused ? "Unpause and then stop the container" : "Stop the container"));
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
  auto running = TRY(load_container(store, id));
  if (is_alive(running)) {
    if (!request.force) return still_runs(running);
    // Without the lock: whoever waits for the container's end takes it to write how it ended.
    TRY(kill_and_wait(store, running)
            .context("Could not kill running container {}, cannot remove", id));
  }
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  if (is_alive(record) && !request.force) return still_runs(record);  // started meanwhile
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
