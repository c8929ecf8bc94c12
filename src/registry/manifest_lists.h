#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/json.h"
#include "image/reference.h"
#include "registry/client.h"

namespace strata::registry {

/// What an image says it runs on, and what an index says of it: in the order in which docker and
/// the OCI write it.
struct FullPlatform {
  std::string architecture;
  std::string os;
  std::string os_version;
  std::vector<std::string> os_features;
  std::string variant;
};

FullPlatform parse_full_platform(const Json& json);
/// Members that are empty are left out, except architecture and os.
Json platform_json(const FullPlatform& platform);

/// An image of a manifest list that is being put together.
struct ListedManifest {
  Reference reference;    // with a tag or a digest
  Descriptor descriptor;  // of its manifest
  FullPlatform platform;
  std::string bytes;  // of its manifest; "" if they are not known: docker 20.10 does not note them
  Json manifest;      // the same, read
};

/// The manifest lists that a user is putting together: files of docker's client, which takes up
/// what Strata began and the other way round: ~/.docker/manifests/<list>/<image>, both names with
/// ":" written "-" and "/" written "_".
class ManifestLists {
 public:
  /// `config_file` is docker's config.json, beside which they are.
  explicit ManifestLists(const std::string& config_file);

  /// Sorted by file name, as docker. Empty if there is no such list.
  Result<std::vector<ListedManifest>> load(const Reference& list) const;
  Result<std::optional<ListedManifest>> find(const Reference& list, const Reference& image) const;
  /// Replaces what the list says of the image.
  Result<void> save(const Reference& list, const ListedManifest& manifest) const;
  /// False if there is none.
  Result<bool> remove(const Reference& list) const;

 private:
  std::string root_;
};

/// {"Ref":..., "Descriptor":..., "SchemaV2Manifest":...}, as `docker manifest inspect -v` shows it;
/// with `raw` also the manifest's bytes, in base64.
Json listed_json(const ListedManifest& manifest, bool raw);

/// The list as docker writes it, byte for byte; as an OCI index if all images are OCI's.
Document encode_list(const std::vector<ListedManifest>& manifests);

}  // namespace strata::registry
