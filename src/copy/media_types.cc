#include "copy/detail/media_types.h"

#include <algorithm>

#include "image/go_quote.h"

namespace strata::copy::detail {
namespace {

struct Pair {
  const char* docker;
  const char* oci;
};

constexpr Pair kConfigs[] = {{registry::kDockerConfig, registry::kOciConfig}};
constexpr Pair kLayers[] = {
    {registry::kDockerLayer, registry::kOciLayer},
    {registry::kDockerPlainLayer, registry::kOciPlainLayer},
};

Result<void> rewrite(std::string& type, std::span<const Pair> pairs, bool oci) {
  for (const auto& pair : pairs)
    if (type == pair.docker || type == pair.oci) {
      type = oci ? pair.oci : pair.docker;
      return {};
    }
  if (oci && type == registry::kOciZstdLayer) return {};
  return Error(ErrorCode::Unsupported, fmt::format("{} has no form in {}'s format", go_quote(type),
                                                   oci ? "OCI" : "docker"));
}

}  // namespace

std::string manifest_type(const std::string& type, std::optional<Format> format) {
  if (!format) return type;
  return *format == Format::Oci ? registry::kOciManifest : registry::kDockerManifest;
}

std::string index_type(const std::string& type, std::optional<Format> format) {
  if (!format) return type;
  return *format == Format::Oci ? registry::kOciIndex : registry::kDockerIndex;
}

Result<void> rewrite_types(registry::Manifest& manifest, const std::string& type) {
  bool oci = type == registry::kOciManifest;
  TRY(rewrite(manifest.config.media_type, kConfigs, oci));
  for (auto& layer : manifest.layers) TRY(rewrite(layer.media_type, kLayers, oci));
  return {};
}

Result<std::string> rewrite_index(std::string_view index, const std::vector<Descriptor>& manifests,
                                  const std::string& type) {
  auto json = TRY(Json::parse(index));
  Json::Array entries = json["manifests"].as_array();
  for (std::size_t i = 0; i < std::min(entries.size(), manifests.size()); i++) {
    const auto& d = manifests[i];
    entries[i].set("mediaType", d.media_type).set("size", d.size).set("digest", d.digest.str());
  }
  json.set("mediaType", type).set("manifests", Json::array(std::move(entries)));
  return json.dump_indented("   ");
}

}  // namespace strata::copy::detail
