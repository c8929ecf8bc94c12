#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>
#include <vector>

#include "archive/contents.h"
#include "store/store.h"

namespace strata::archive {

/// An image that is in the store now.
struct LoadedImage {
  ImageID id;
  std::vector<Reference> names;
  std::vector<std::pair<Reference, ImageID>> renamed;  // names that another image had until now
};

struct LoadOptions {
  bool lazy = false;                // do not sync
  std::int64_t max_layer_size = 0;  // bytes of a layer's tar, unpacked; 0: any
  std::stop_token stop;             // Cancelled when asked for
  /// Bytes of layers read so far. Called one at a time, from any thread; may be empty.
  std::function<void(std::int64_t bytes)> progress;
};

/// Puts images of an archive into the store. Layers that the store has are not read; of the others
/// several at once are. Everything is read, unpacked and compared with its digest before anything
/// is published, then the layers, the images, and last the names. An error before that leaves the
/// store as it was, and begins with the member it is about; one while it publishes (a full disk)
/// may leave layers that no image names. Raises the process's soft limit of open files.
Result<std::vector<LoadedImage>> load_images(const Store& store, const Members& members,
                                             const std::vector<ArchivedImage>& images,
                                             const LoadOptions& options);

}  // namespace strata::archive
