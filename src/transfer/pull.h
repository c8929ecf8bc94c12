#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "image/config.h"
#include "image/platform.h"
#include "image/reference.h"
#include "registry/client.h"
#include "store/store.h"
#include "transfer/events.h"

namespace strata::transfer {

struct PullOptions {
  Platform platform;                // of an index, the image for this one
  std::int64_t max_layer_size = 0;  // bytes of a layer's tar, unpacked; 0: any
  bool lazy = false;                // do not sync
  std::stop_token stop;             // Cancelled when asked for
  Events events;
};

struct Pulled {
  ImageID id;
  Digest digest;        // of the manifest or index
  bool is_new = false;  // the name had another image, or none, before
  Platform found;       // the image's
};

/// Brings the image of a reference with a tag or a digest into the store and names it, also by its
/// digest. Several layers at once: download, inflate, hash, extract and record in one pipeline
/// each. Layers that the store has are not fetched. Every blob and every layer is compared with its
/// digest before anything is published, then the layers, the image, and last the names. What has
/// come of a pull that fails is kept for the next one (ROOT/strata/blobs). Processes that pull the
/// same blobs wait for each other. Raises the process's soft limit of open files.
Result<Pulled> pull_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PullOptions& options);

/// The config of the image that would be pulled. Nothing comes into the store.
Result<ImageConfig> remote_config(registry::Repository& repository, const Reference& reference,
                                  const Platform& platform);

}  // namespace strata::transfer
