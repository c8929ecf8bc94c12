#pragma once

#include <string>
#include <vector>

#include "container/record.h"

namespace strata {

/// Local volumes, ROOT/volumes/<name>/_data (docs/store.md, 5.3). dockerd finds them by their
/// directories.
///
/// Those that a new container needs; the new ones among them are removed again unless keep() was
/// called.
class NewVolumes {
 public:
  explicit NewVolumes(const Store& store) : store_(store) {}
  NewVolumes(const NewVolumes&) = delete;
  NewVolumes& operator=(const NewVolumes&) = delete;
  ~NewVolumes();

  /// Adds a mount with a fresh anonymous volume for each of record.config.volumes that has no mount
  /// yet, makes the volumes of all mounts, fills in their sources, and copies what the image (a
  /// directory fd; -1: an empty one) has there into those that are empty, as docker does.
  Result<void> make(ContainerRecord& record, int image_root);
  void keep() { made_.clear(); }

 private:
  const Store& store_;
  std::vector<std::string> made_;
};

/// A local volume, and how many containers have it.
struct VolumeUse {
  std::string name;
  std::int64_t size = 0;  // bytes of its files
  int links = 0;
};
/// All of them, sorted by name.
Result<std::vector<VolumeUse>> list_volumes(const Store& store);

/// Removes all volumes that no container has, named or not. Gives them.
Result<std::vector<VolumeUse>> prune_volumes(const Store& store);

/// Removes the anonymous volumes of `record` that no other container uses. The record itself must
/// be gone already.
Result<void> remove_anonymous_volumes(const Store& store, const ContainerRecord& record);

}  // namespace strata
