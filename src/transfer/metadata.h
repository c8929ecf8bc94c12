#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compress/compressor.h"
#include "digest/digest.h"
#include "registry/client.h"
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

/// How a blob is packed, if that was noted; else gzip, as what dockerd makes. Only what is not gzip
/// has a note, ROOT/strata/forms/<hex>.
Compression form_of_blob(const Store& store, const Digest& blob);
void remember_form(const Store& store, const Digest& blob, Compression form);

/// The manifest that an image was pulled by, so that a push can put just that:
/// ROOT/strata/manifests/<hex of the image>. Expendable.
std::optional<registry::Document> kept_manifest(const Store& store, ImageID image);
void keep_manifest(const Store& store, ImageID image, const registry::Document& document);

/// What dockerd notes beside a blob that somebody has pushed.
std::string blob_hmac(const std::string& auth_config_json, const Digest& blob,
                      const std::string& repository);

}  // namespace strata::transfer
