#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "compress/compressor.h"
#include "image/reference.h"
#include "registry/client.h"
#include "store/store.h"
#include "transfer/events.h"

namespace strata::transfer {

struct PushLayersOptions {
  bool oci = false;  // media types of OCI; else Docker's
  /// How layers that must be packed are; unset: gzip, and blobs that are known otherwise are taken.
  std::optional<Compression> compression;
  bool force_compression = false;  // also those that are known as other blobs
  std::string auth_config;         // JSON of who pushes, for blob_hmac()
  std::stop_token stop;            // Cancelled when asked for
  Events events;
};

/// Brings layers into a repository, several at once, each in one pass: rebuilt byte for byte from
/// its tar-split, compressed by several threads, hashed, sent, and kept (store/kept_blobs.h). What
/// the repository has, by what is known of earlier pulls and pushes, is not sent; what another
/// repository of the registry has is mounted from there; what is kept is sent as it is. The same
/// layer gives the same blob. `preferred`: what the layers were once known as, or empty.
Result<std::vector<registry::Descriptor>> push_layers(const Store& store,
                                                      registry::Repository& repository,
                                                      const Reference& reference,
                                                      const PushLayersOptions& options,
                                                      std::vector<LayerInfo> layers,
                                                      std::vector<registry::Descriptor> preferred);

/// "application/vnd.oci.image.layer.v1.tar+zstd" and the like.
std::string layer_media_type(bool oci, Compression compression);
/// What such a type says; of any other text gzip.
Compression compression_of(std::string_view media_type);

}  // namespace strata::transfer
