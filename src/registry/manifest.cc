#include "registry/manifest.h"

#include <algorithm>

#include "image/go_quote.h"

namespace strata::registry {
namespace {

constexpr std::size_t kMaxEntries = 1000;  // layers, or manifests of an index
constexpr std::string_view kReferenceType = "vnd.docker.reference.type";

Error corrupt(std::string what) { return Error(ErrorCode::Corrupt, std::move(what)); }

Result<Descriptor> parse_descriptor(const Json& json) {
  if (!json.is_object()) return corrupt("not a descriptor");
  Descriptor d;
  d.media_type = json["mediaType"].as_string();
  const auto& text = json["digest"].as_string();
  auto digest = Digest::parse(text);
  if (!digest) return corrupt("bad digest " + go_quote(text));
  d.digest = *digest;
  d.size = json["size"].as_int(-1);
  if (d.size < 0) return corrupt("no size");
  return d;
}

Result<std::vector<Descriptor>> parse_list(const Json& list, const char* what) {
  if (!list.is_array()) return corrupt(fmt::format("it has no {}s", what));
  if (list.size() > kMaxEntries) return corrupt(fmt::format("too many {}s", what));
  std::vector<Descriptor> all;
  for (const auto& item : list.as_array()) {
    auto descriptor = TRY(parse_descriptor(item).context("{} {}", what, all.size() + 1));
    all.push_back(std::move(descriptor));
  }
  return all;
}

Result<Manifest> parse_image(const Json& json) {
  if (!json["layers"].is_array()) return corrupt("it has no layers");
  if (const auto& type = json["artifactType"].as_string(); !type.empty())
    return Error(ErrorCode::Unsupported, go_quote(type) + " is an artifact, not an image");
  Manifest manifest;
  manifest.config = TRY(parse_descriptor(json["config"]).context("config"));
  const auto& type = manifest.config.media_type;
  if (!type.empty() && type != kDockerConfig && type != kOciConfig)
    return Error(ErrorCode::Unsupported,
                 fmt::format("a config of type {} is not that of an image", go_quote(type)));
  manifest.layers = TRY(parse_list(json["layers"], "layer"));
  return manifest;
}

std::optional<Platform> parse_entry_platform(const Json& p) {
  if (p["architecture"].as_string().empty()) return std::nullopt;
  return normalize({p["os"].as_string(), p["architecture"].as_string(), p["variant"].as_string()});
}

Result<Index> parse_index(const Json& json) {
  if (!json["manifests"].is_array()) return corrupt("it has no manifests");
  if (json["manifests"].size() > kMaxEntries) return corrupt("too many manifests");
  Index index;
  for (const auto& entry : json["manifests"].as_array()) {
    bool beside = entry["annotations"].find(kReferenceType) != nullptr ||
                  !entry["artifactType"].as_string().empty();
    if (beside) continue;
    auto manifest = TRY(parse_descriptor(entry).context("manifest {}", index.entries.size() + 1));
    index.entries.push_back({std::move(manifest), parse_entry_platform(entry["platform"])});
  }
  return index;
}

enum class Fit : std::uint8_t { Foreign, Unknown, Variant, Exact };

Fit fit(const Index::Entry& entry, const Platform& wanted) {
  if (!entry.platform) return Fit::Unknown;
  const auto& found = *entry.platform;
  if (found == wanted) return Fit::Exact;
  bool same = found.os == wanted.os && found.architecture == wanted.architecture;
  return same && (found.variant.empty() || wanted.variant.empty()) ? Fit::Variant : Fit::Foreign;
}

Json descriptor_json(const Descriptor& d) {
  return Json::object({{"mediaType", d.media_type}, {"size", d.size}, {"digest", d.digest.str()}});
}

bool is_type(std::string_view type, const char* docker, const char* oci) {
  return type == docker || type == oci;
}

/// The media type of a document, of the four that there are.
Result<std::string> type_of(const Json& json, std::string_view media_type) {
  if (!json.is_object()) return corrupt("not an object");
  if (json["schemaVersion"].as_int() == 1)
    return Error(ErrorCode::Unsupported,
                 "it is of schema 1, which is no longer supported: push it again with a docker of "
                 "1.10 or later");
  std::string type = json["mediaType"].as_string();
  if (type.empty()) type = media_type.substr(0, media_type.find(';'));
  if (is_type(type, kDockerIndex, kOciIndex) || is_type(type, kDockerManifest, kOciManifest))
    return type;
  if (json["manifests"].is_array()) return std::string(kOciIndex);
  if (json["config"].is_object()) return std::string(kOciManifest);
  return Error(ErrorCode::Unsupported, "unsupported manifest media type " + go_quote(type));
}

}  // namespace

Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text,
                                                     std::string_view media_type) {
  using Either = std::variant<Manifest, Index>;
  auto json = TRY(Json::parse(text));
  auto type = TRY(type_of(json, media_type));
  if (is_type(type, kDockerIndex, kOciIndex)) return Either(TRY(parse_index(json)));
  return Either(TRY(parse_image(json)));
}

Result<Parts> parse_parts(std::string_view text, std::string_view media_type) {
  auto json = TRY(Json::parse(text));
  Parts parts;
  parts.media_type = TRY(type_of(json, media_type));
  parts.is_index = is_type(parts.media_type, kDockerIndex, kOciIndex);
  if (!parts.is_index) {
    parts.manifest.config = TRY(parse_descriptor(json["config"]).context("config"));
    parts.manifest.layers = TRY(parse_list(json["layers"], "layer"));
    std::erase_if(parts.manifest.layers, [](const Descriptor& layer) {
      return layer.media_type.find(".foreign.") != std::string::npos ||
             layer.media_type.find(".nondistributable.") != std::string::npos;
    });
    return parts;
  }
  parts.children = TRY(parse_list(json["manifests"], "manifest"));
  return parts;
}

const Index::Entry* choose(const Index& index, const Platform& platform) {
  auto wanted = normalize(platform);
  const Index::Entry* best = nullptr;
  for (const auto& entry : index.entries)
    if (fit(entry, wanted) != Fit::Foreign &&
        (best == nullptr || fit(entry, wanted) > fit(*best, wanted)))
      best = &entry;
  return best;
}

std::string encode_manifest(const Manifest& manifest, const char* media_type) {
  Json::Array layers;
  for (const auto& layer : manifest.layers) layers.push_back(descriptor_json(layer));
  return Json::object({{"schemaVersion", 2},
                       {"mediaType", media_type},
                       {"config", descriptor_json(manifest.config)},
                       {"layers", Json::array(std::move(layers))}})
      .dump_indented("   ");
}

}  // namespace strata::registry
