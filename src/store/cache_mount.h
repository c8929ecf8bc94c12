#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file_lock.h"

namespace strata {

/// What builds keep from one to the next beside images: a directory for each id of
/// RUN --mount=type=cache, ROOT/strata/cache-mounts/<name>/{id,data}. Expendable as all below
/// strata/. Its lock, <name>.lock, also carries the time of the last use.
class CacheMount {
 public:
  enum class Sharing : std::uint8_t {
    Shared,   // any number of users at once
    Private,  // a directory of its own for each user at a time
    Locked,   // one user after the other
  };
  /// Fills the directory fd of a new cache. Only called when the cache does not exist.
  using Fill = std::function<Result<void>(int data)>;

  /// `own_dir` is ROOT/strata. Waits for a locked one; Cancelled if `stop` is requested meanwhile.
  static Result<CacheMount> acquire(int own_dir, const std::string& id, Sharing sharing,
                                    const Fill& fill, const std::stop_token& stop);

  /// The directory, relative to ROOT/strata: "cache-mounts/<name>/data".
  const std::string& path() const { return path_; }

 private:
  CacheMount(FileLock lock, std::string path) : lock_(std::move(lock)), path_(std::move(path)) {}
  FileLock lock_;
  std::string path_;
};

/// A cache as `builder du` lists it.
struct CacheMountInfo {
  std::string name;  // of its directory
  std::string id;
  std::int64_t size = 0;  // bytes on disk
  Time last_used;
  bool in_use = false;
};

/// All caches, those used last first. Does not fail for one that vanishes meanwhile.
Result<std::vector<CacheMountInfo>> list_cache_mounts(int own_dir);

/// Removes the cache `name` unless somebody uses it: then Conflict.
Result<void> remove_cache_mount(int own_dir, const std::string& name);

}  // namespace strata
