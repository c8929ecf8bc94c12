#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/layer_writer.h"

namespace strata {

/// A place that the runtime will mount over, and that nothing else need have: relative to the root,
/// without links ("a/b").
struct MountStub {
  std::string path;
  bool directory = true;
};

/// The layer that docker puts between an image and what a container writes (docs/store.md, 3.7):
/// mount points and empty files that the runtime mounts over, so that none of them is ever part of
/// a commit or a diff. Written straight into a new cache directory named `id` (empty: random) that
/// stands on `base`; /dev and /etc take mode and owner from the image, whose merged view is the
/// directory fd `image_root` (-1: an image without layers). So are `mount_stubs` that the image
/// lacks. The caller sets its parent or lets it vanish.
Result<std::shared_ptr<CacheDir>> make_init_layer(const Store& store, int image_root,
                                                  std::string id = {},
                                                  const std::vector<MountStub>& mount_stubs = {});

/// Whether a layer with the content of the directory fd `diff` changes what make_init_layer() looks
/// at: an init layer from before does not stand on it.
bool touches_init_layer(int diff);

}  // namespace strata
