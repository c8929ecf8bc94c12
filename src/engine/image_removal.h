#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// One line of what a removal did, in docker's order.
struct RemovalLine {
  bool deleted = false;  // else: untagged
  std::string text;      // "app:1", "app@sha256:..."; of a deleted image or layer "sha256:..."
};

/// `rmi`: how each image that was named fared, in the order of the names.
struct RemoveImagesRequest {
  std::vector<std::string> images;
  bool force = false;
  bool prune_parents = true;
};
struct RemovedImage {
  std::vector<RemovalLine> lines;
  Result<void> done;  // NotFound "No such image: x", Conflict "conflict: unable to delete ..."
};
Result<std::vector<RemovedImage>> remove_images(const EngineOptions& engine,
                                                const RemoveImagesRequest& request);

/// What the prune commands may be asked, beside what they remove.
struct PruneRequest {
  bool all = false;  // images: also those with a name
  std::vector<std::string>
      filters;  // "until=24h", "label=a=b", "label!=a", images: "dangling=false", "unused-for=720h"
};

struct PrunedImages {
  std::vector<RemovalLine> lines;
  std::int64_t reclaimed = 0;  // bytes
};
/// InvalidArgument for a filter that docker does not know.
Result<PrunedImages> prune_images(const EngineOptions& engine, const PruneRequest& request);

/// Containers: their IDs; volumes: their names.
struct Pruned {
  std::vector<std::string> names;
  std::int64_t reclaimed = 0;  // bytes
};
/// Containers that do not run, newest first.
Result<Pruned> prune_containers(const EngineOptions& engine, const PruneRequest& request);
/// Volumes that no container has.
Result<Pruned> prune_volumes(const EngineOptions& engine);

/// Removes what interrupted commands left behind: cache directories and entries that nothing names.
/// Nothing happens while other commands work on the store. Bytes on disk.
Result<std::int64_t> prune_remains(const EngineOptions& engine);

}  // namespace strata
