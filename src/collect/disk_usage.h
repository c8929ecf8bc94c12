#pragma once

#include "collect/usage.h"

namespace strata {

/// What an image takes, counted as docker counts.
struct ImageSpace {
  ImageID id;
  std::optional<Reference> name;  // its first tag
  Time created;
  std::int64_t size = 0;    // bytes of all its layers
  std::int64_t shared = 0;  // of these, in layers that other images have, too
  int containers = 0;
};

struct ImagesSpace {
  std::vector<ImageSpace> images;  // newest first; steps of builds are not among them
  std::int64_t layers = 0;         // bytes of all their layers, each once
};
Result<ImagesSpace> images_space(const Store& store, const Usage& usage);

/// What overlay2/ really takes. Bytes of blocks.
struct DiskSpace {
  std::int64_t on_disk = 0;
  std::int64_t saved_by_links = 0;  // what equal files in several layers would take more
  std::int64_t unreachable = 0;     // in directories that no layer and no container names
};
/// Walks all layers and containers.
Result<DiskSpace> disk_space(const Store& store);

}  // namespace strata
