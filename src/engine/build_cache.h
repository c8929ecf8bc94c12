#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/events.h"
#include "engine/image_removal.h"

namespace strata {

class Store;

/// What builds keep beside images, as `builder du` lists it.
struct BuildCacheRow {
  std::string id;
  std::string type;         // "exec.cachemount", "source.local" or "step"
  std::string description;  // of a cache mount: the id that Dockerfiles give it
  std::int64_t size = 0;    // bytes on disk
  Time last_used;
  bool in_use = false;
};
/// Those used last first. `filters` as of prune_build_cache().
Result<std::vector<BuildCacheRow>> build_cache(const EngineOptions& engine,
                                               const std::vector<std::string>& filters = {});

/// Removes what nobody uses; without `request.all` the results of steps whose layers are there
/// stay. Filters: "until=24h" or "unused-for=24h" (not used since), "id=", "type=", "description=",
/// "inuse=". With `keep_storage` > 0 only until no more than so many bytes are left, those first
/// that were not used for the longest time. Names are IDs.
Result<Pruned> prune_build_cache(const EngineOptions& engine, const PruneRequest& request,
                                 std::int64_t keep_storage = 0);

/// After a build: removes what was not used for the longest time until no more is left than the
/// `builder.gc` of /etc/docker/daemon.json allows (`"enabled": true`, `"defaultKeepStorage":
/// "20GB"`; without a size a tenth of the disk, as dockerd), if it says so; and cache mounts beyond
/// their own limit (limit_cache_mounts()). What cannot be removed stays: a build does not fail for
/// that.
void limit_build_cache(const Store& store);

}  // namespace strata
