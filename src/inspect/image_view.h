#pragma once

#include <string>
#include <vector>

#include "image/json.h"
#include "store/store.h"

namespace strata {

/// `docker image inspect` of one image, in the shape and key order of docker 20.10.
Result<Json> image_view(const Store& store, const Image& image);

/// Bytes of all layers of an image, as docker counts them.
Result<std::int64_t> image_size(const Store& store, const ImageConfig& config);

/// docker's `Data` of the overlay2 driver for a cache directory.
Result<Json> graph_driver(const Store& store, const std::string& cache_id);

}  // namespace strata
