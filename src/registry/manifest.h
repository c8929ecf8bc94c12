#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "digest/digest.h"
#include "image/json.h"
#include "image/platform.h"

namespace strata::registry {

inline constexpr const char* kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr const char* kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr const char* kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr const char* kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kOciLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr const char* kDockerPlainLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr const char* kOciPlainLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr const char* kOciZstdLayer = "application/vnd.oci.image.layer.v1.tar+zstd";

/// Manifests, indexes and configs are at most so long, in bytes.
inline constexpr std::int64_t kMaxDocument = std::int64_t{4} << 20;

/// What names a blob.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::int64_t size = 0;  // bytes
  bool operator==(const Descriptor&) const = default;
};

/// An image for one platform.
struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // bottom first
};

/// An image for several platforms.
struct Index {
  struct Entry {
    Descriptor manifest;
    std::optional<Platform> platform;  // normalised
  };
  std::vector<Entry> entries;  // of images; attestations and artifacts are left out
};

/// Reads a manifest or an index, OCI's or Docker's (schema 2); `media_type` is what the server
/// calls it, the document's own word counts more. The text may come from anyone. Unsupported for
/// schema 1, for an artifact, and for what is neither; Corrupt, naming the member, for one that is
/// no such document.
Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text,
                                                     std::string_view media_type);

/// What a document names, of whatever kind it is: for who carries it on as it is.
struct Parts {
  std::string media_type;  // the document's own, or what the server calls it
  bool is_index = false;
  std::vector<Descriptor> children;  // of an index: its manifests, also those that are no images
  Manifest manifest;                 // else; layers that only stand at other URLs are left out
};

/// Reads any manifest or index, also that of an artifact. Errors as parse_manifest().
Result<Parts> parse_parts(std::string_view text, std::string_view media_type);

/// The entry for a platform. One without a platform, or of another variant of the architecture, is
/// taken if there is none that fits. nullptr if there is none at all.
const Index::Entry* choose(const Index& index, const Platform& platform);

/// As docker writes a manifest, byte for byte.
std::string encode_manifest(const Manifest& manifest, const char* media_type);

}  // namespace strata::registry
