#include "container/remove.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>

#include "base/random_id.h"
#include "base/temp_dir.h"
#include "container/liveness.h"
#include "container/stop.h"
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

/// Without the container's lock: whoever waits for its end takes it to record how it ended.
Result<void> kill_first(const Store& store, const std::string& id) {
  auto record = TRY(load_container(store, id));
  if (!is_running(store, record)) return {};
  auto killed = kill_container(store, id, SIGKILL);
  // Ended, or was removed, by itself meanwhile.
  if (!killed && (killed.error().code() == ErrorCode::Conflict ||
                  killed.error().code() == ErrorCode::NotFound))
    return {};
  return std::move(killed).context("Could not kill running container {}, cannot remove", id);
}

/// In one step, before anything else of it goes: nobody sees half a container, so none needs to be
/// marked as one. Its new name in ROOT/strata.
Result<std::string> take_away_record(const Store& store, const std::string& id) {
  auto name = "removed-" + random_hex(8);
  TRY(store.note_work("image/overlay2/layerdb/mounts/" + id));
  TRY(store.note_work("strata/" + name));
  if (::renameat(store.containers_dir(), id.c_str(), store.own_dir(), name.c_str()) < 0)
    return Error::from_errno(errno, "remove containers/" + id);
  return name;
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
  if (request.force) TRY(kill_first(store, id));
  auto lock = TRY(lock_container(store, id));
  auto loaded = load_container(store, id);
  // One with --rm that was killed has removed itself.
  if (!loaded && request.force && loaded.error().code() == ErrorCode::NotFound) return {};
  auto record = TRY(std::move(loaded));
  if (is_running(store, record)) return still_runs(record);
  auto condemned = TRY(take_away_record(store, id));
  TRY(remove_layers(store, id).context("container {}", id));
  if (request.volumes) TRY(remove_anonymous_volumes(store, record));
  TRY(remove_tree(store.own_dir(), condemned));
  store.unsynced().forget_container(id);
  abandon_run(store, id);
  return {};
}

}  // namespace strata
