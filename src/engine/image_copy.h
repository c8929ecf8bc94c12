#pragma once

#include <cstdint>
#include <string>

#include "digest/digest.h"
#include "engine/events.h"
#include "engine/registries.h"

namespace strata {

/// `copy`: from where to where, TRANSPORT:PLACE[:NAME] each (copy/location.h).
struct CopyImageRequest {
  std::string source;
  std::string destination;
  bool all = false;      // an index with all its images; else the one for `platform`
  std::string platform;  // empty: the host's
  std::string format;    // "docker" or "oci"; empty: as it is
  bool preserve_digests = false;
  std::int64_t max_layer_size = 0;  // bytes of a layer's tar, into the store; 0: any
  RegistryAccess from;
  RegistryAccess to;
};

/// What is at the destination now.
struct CopiedImage {
  Digest digest;             // of its manifest or index; of its config where it has none
  bool is_image_id = false;  // the latter: in docker's archives and in the store
};

/// Copies an image without unpacking it, except into the store.
Result<CopiedImage> copy_image(const EngineOptions& engine, const CopyImageRequest& request,
                               const TransferEvents& events);

}  // namespace strata
