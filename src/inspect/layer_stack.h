#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace strata {

/// One layer of an image, with all that can be said about it.
struct LayerRow {
  LayerInfo layer;
  std::string directory;               // absolute: overlay2/<cache-id>/diff
  std::int64_t disk_bytes = 0;         // blocks of its files on disk
  std::int64_t linked_bytes = 0;       // of these, in files that other layers hold too (hard links)
  std::int64_t files = 0;              // everything but directories
  std::string created_by;              // the step that made it; "" if the history does not say
  std::vector<std::string> shared_by;  // names (else short IDs) of the other images that have it
};

/// The stack of an image, bottom first. Walks every layer's directory.
Result<std::vector<LayerRow>> image_layers(const Store& store, const Image& image);

}  // namespace strata
