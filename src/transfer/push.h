#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "image/reference.h"
#include "registry/client.h"
#include "store/store.h"
#include "transfer/push_layers.h"
#include "transfer/step_entry.h"

namespace strata::transfer {

struct PushOptions {
  /// Media types of OCI or of Docker; unset: as the image was pulled, else Docker's.
  std::optional<bool> oci;
  bool by_digest = false;  // the manifest gets no tag
  /// What the manifest tells builds of the steps that its layers come from; empty: nothing.
  std::vector<InlineStep> inline_steps;
  PushLayersOptions layers;  // `oci` is set by what stands above
};

struct Pushed {
  Digest digest;          // of the manifest
  std::int64_t size = 0;  // bytes of it
  std::string media_type;
};

/// Puts an image of the store under a tag of a registry: its layers (push_layers()), its config,
/// its manifest. An image that was pulled keeps its manifest, byte for byte, if its layers can be
/// had as the blobs that it names: they are at the registry, or were kept. Afterwards the image has
/// the digest of its manifest as a name.
Result<Pushed> push_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PushOptions& options);

}  // namespace strata::transfer
