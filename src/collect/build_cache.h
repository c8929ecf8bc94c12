#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace strata {

/// What builds keep beside images, below ROOT/strata. All of it is expendable: without it a build
/// takes longer, and its result is the same.
struct BuildCacheItem {
  enum class Kind : std::uint8_t {
    CacheMount,  // a directory of RUN --mount=type=cache (store/cache_mount.h)
    Context,     // the sums of a context's files (strata/memo)
    Step,        // what a step made of the layers below it (strata/steps)
    Blob,        // a compressed layer for registries (store/kept_blobs.h)
  };
  Kind kind = Kind::CacheMount;
  std::string id;           // the name of its file or directory
  std::string description;  // of a cache mount: the id that the Dockerfile gives it
  std::int64_t size = 0;    // bytes on disk
  Time last_used;
  bool in_use = false;
  bool dangling = true;  // false: a step whose layer is there, so that it still saves work
};

/// Those used last first. Does not fail for what vanishes meanwhile.
Result<std::vector<BuildCacheItem>> list_build_cache(const Store& store);

/// Behind a build: removes the cache mounts that nobody uses and that were not used for the longest
/// time, until all of them together are within the limit: $STRATA_CACHE_MOUNTS ("20g"), else a
/// tenth of the file system, but at least 2 GiB. To measure them costs a walk, so without the
/// variable this happens once an hour at most. Nothing fails for it.
void limit_cache_mounts(const Store& store);

struct BuildCachePrune {
  bool all = false;               // also what is not dangling
  std::int64_t keep_storage = 0;  // bytes: what was used last stays, up to so much
  std::function<bool(const BuildCacheItem&)> matches;  // empty: all do
};

/// Removes what nobody uses, those that were not used for the longest time first; gives what it
/// removed.
Result<std::vector<BuildCacheItem>> prune_build_cache(const Store& store,
                                                      const BuildCachePrune& prune);

}  // namespace strata
