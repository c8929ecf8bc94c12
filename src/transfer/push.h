#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "image/reference.h"
#include "registry/client.h"
#include "store/store.h"
#include "transfer/events.h"

namespace strata::transfer {

struct PushOptions {
  bool oci = false;         // media types of OCI; else Docker's
  std::string auth_config;  // JSON of who pushes, for blob_hmac()
  std::stop_token stop;     // Cancelled when asked for
  Events events;
};

struct Pushed {
  Digest digest;          // of the manifest
  std::int64_t size = 0;  // bytes of it
};

/// Puts an image of the store under a tag of a registry. Several layers at once, each in one pass:
/// rebuilt byte for byte from its tar-split, compressed, hashed, sent. The same layer gives the
/// same blob. What the repository has, by what is known of earlier pulls and pushes, is not sent;
/// what another repository of the registry has is mounted from there. Afterwards the image has the
/// digest of its manifest as a name.
Result<Pushed> push_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PushOptions& options);

}  // namespace strata::transfer
