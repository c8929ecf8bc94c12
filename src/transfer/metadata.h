#pragma once

#include <optional>
#include <string>
#include <vector>

#include "digest/digest.h"
#include "store/store.h"

namespace strata::transfer {

/// Where a layer is known to be as a blob.
struct KnownBlob {
  Digest digest;
  std::string repository;  // "docker.io/library/x"
  std::string hmac;        // of who pushed it, hex; "" for a pull
  bool operator==(const KnownBlob&) const = default;
};

/// dockerd's files about blobs in registries, ROOT/image/overlay2/distribution (docs/store.md,
/// 5.2). They are hints: what cannot be read is not there.
std::vector<KnownBlob> known_blobs(const Store& store, DiffID layer);  // oldest first
std::optional<DiffID> diff_id_of_blob(const Store& store, const Digest& blob);

/// Notes that a blob is that layer. Any process.
Result<void> remember_blob(const Store& store, DiffID layer, const KnownBlob& blob);

/// What dockerd notes beside a blob that somebody has pushed.
std::string blob_hmac(const std::string& auth_config_json, const Digest& blob,
                      const std::string& repository);

}  // namespace strata::transfer
