#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "image/json.h"
#include "store/store.h"

namespace strata {

/// `docker image inspect` of one image, in the shape and key order of docker 20.10.
Result<Json> image_view(const Store& store, const Image& image);

/// Bytes of all layers of images, as docker counts them. A layer that several share is looked at
/// once, or by as many threads as ask for it at the same time. Any thread.
class ImageSizes {
 public:
  explicit ImageSizes(const Store& store) : store_(store) {}
  Result<std::int64_t> of(const ImageConfig& config);

 private:
  std::optional<std::int64_t> known(const ChainID& chain);

  const Store& store_;
  std::mutex mutex_;
  std::unordered_map<Digest, std::int64_t> up_to_;  // a ChainID: it and all below
};

/// docker's `Data` of the overlay2 driver for a cache directory.
Result<Json> graph_driver(const Store& store, const std::string& cache_id);

}  // namespace strata
