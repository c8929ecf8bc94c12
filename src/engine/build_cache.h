#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/events.h"
#include "engine/image_removal.h"

namespace strata {

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

}  // namespace strata
