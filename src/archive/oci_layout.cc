#include <algorithm>

#include "archive/detail/forms.h"

namespace strata::archive::detail {
namespace {

constexpr const char* kIndex = "index.json";
constexpr int kMaxNesting = 4;
constexpr std::size_t kMaxManifests = 1000;  // looked at in one archive
constexpr std::string_view kImageName = "io.containerd.image.name";
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
constexpr std::string_view kReferenceType = "vnd.docker.reference.type";

Error too_many() {
  return Error(ErrorCode::Corrupt, fmt::format("{}: too many manifests", kIndex));
}

std::string blob_name(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

Result<Digest> digest_of(const Json& descriptor, const std::string& where) {
  auto digest = Digest::parse(descriptor["digest"].as_string());
  if (!digest)
    return Error(ErrorCode::Corrupt,
                 fmt::format("{}: bad digest \"{}\"", where, descriptor["digest"].as_string()));
  return digest;
}

/// The blob that a descriptor in the document `where` names, verified.
Result<std::string> read_blob(const Members& members, const Json& descriptor,
                              const std::string& where) {
  auto digest = TRY(digest_of(descriptor, where));
  auto name = blob_name(digest);
  auto bytes = TRY(read_document(members, name));
  if (sha256(bytes) != digest)
    return Error(ErrorCode::Corrupt, name + ": it does not have the digest of its name");
  return bytes;
}

bool is_index(const Json& document) {
  const auto& type = document["mediaType"].as_string();
  if (type == "application/vnd.oci.image.index.v1+json" ||
      type == "application/vnd.docker.distribution.manifest.list.v2+json")
    return true;
  return type.empty() && document["manifests"].is_array();
}

/// Attestations and artifacts stand beside images and are none.
bool is_image_descriptor(const Json& descriptor) {
  return descriptor["annotations"].find(kReferenceType) == nullptr &&
         descriptor["artifactType"].as_string().empty();
}

enum class Fit : std::uint8_t { Foreign, Unknown, Variant, Exact };

Fit fit(const Json& descriptor, const Platform& wanted) {
  const Json& p = descriptor["platform"];
  if (p["architecture"].as_string().empty()) return Fit::Unknown;
  auto found =
      normalize({p["os"].as_string(), p["architecture"].as_string(), p["variant"].as_string()});
  if (found == wanted) return Fit::Exact;
  bool same = found.os == wanted.os && found.architecture == wanted.architecture;
  return same && (found.variant.empty() || wanted.variant.empty()) ? Fit::Variant : Fit::Foreign;
}

/// The name that an entry of index.json has; none if it only says a tag ("1").
std::optional<Reference> name_of(const Json& descriptor) {
  for (auto key : {kImageName, kRefName}) {
    const Json* text = descriptor["annotations"].find(key);
    if (text == nullptr || text->as_string().find_first_of(":/") == std::string::npos) continue;
    auto name = Reference::parse_normalized(text->as_string());
    if (!name) continue;
    auto tagged = name->with_default_tag();
    if (!tagged.digest && check_taggable(tagged)) return tagged;
  }
  return std::nullopt;
}

class LayoutReader {
 public:
  LayoutReader(const Members& members, const Platform& platform)
      : members_(members), platform_(platform) {}

  Result<std::vector<ArchivedImage>> read() {
    if (members_.contains("oci-layout")) TRY(check_version());
    auto index = TRY(read_json(members_, kIndex));
    if (!index["manifests"].is_array())
      return Error(ErrorCode::Corrupt, fmt::format("{}: it has no manifests", kIndex));
    const auto& entries = index["manifests"].as_array();
    if (entries.size() > kMaxManifests) return too_many();
    for (const auto& entry : entries) {
      if (!is_image_descriptor(entry) || has_better(entries, entry)) continue;
      auto image = TRY(read_entry(entry, kIndex, 0));
      if (auto name = name_of(entry)) image.names.push_back(*name);
      TRY(account(total_, image));
      add(std::move(image));
    }
    return std::move(images_);
  }

  Result<ArchivedImage> read_one(const std::string& tag, const std::optional<Digest>& digest) {
    if (members_.contains("oci-layout")) TRY(check_version());
    if (digest) {
      auto descriptor = TRY(Json::parse(fmt::format("{{\"digest\":\"{}\"}}", digest->str())));
      return read_entry(descriptor, kIndex, 0);
    }
    auto index = TRY(read_json(members_, kIndex));
    const Json* found = find_entry(index, tag.empty() ? "latest" : tag);
    if (found == nullptr && tag.empty()) found = only_entry(index);
    if (found == nullptr)
      return Error(ErrorCode::NotFound,
                   fmt::format("{}: it has no image \"{}\"", kIndex, tag.empty() ? "latest" : tag));
    return read_entry(*found, kIndex, 0);
  }

 private:
  static bool has_tag(const Json& entry, std::string_view tag) {
    const Json* text = entry["annotations"].find(kRefName);
    if (text != nullptr && text->as_string() == tag) return true;
    auto name = name_of(entry);
    return name && name->tag == tag;
  }

  /// Of several with that tag the one for our platform.
  const Json* find_entry(const Json& index, std::string_view tag) const {
    const Json* best = nullptr;
    if (!index["manifests"].is_array()) return best;
    for (const auto& entry : index["manifests"].as_array())
      if (is_image_descriptor(entry) && has_tag(entry, tag) &&
          (best == nullptr || fit(entry, platform_) > fit(*best, platform_)))
        best = &entry;
    return best;
  }

  static const Json* only_entry(const Json& index) {
    const Json* only = nullptr;
    if (!index["manifests"].is_array()) return only;
    for (const auto& entry : index["manifests"].as_array()) {
      if (!is_image_descriptor(entry)) continue;
      if (only != nullptr) return nullptr;
      only = &entry;
    }
    return only;
  }

  Result<void> check_version() {
    auto layout = TRY(read_json(members_, "oci-layout"));
    const auto& version = layout["imageLayoutVersion"].as_string();
    if (version.starts_with("1.")) return {};
    return Error(ErrorCode::Unsupported,
                 fmt::format("oci-layout: unknown version \"{}\"", version));
  }

  /// Whether another entry of the same name is for our platform, and this one is not.
  bool has_better(const Json::Array& entries, const Json& entry) const {
    if (fit(entry, platform_) != Fit::Foreign) return false;
    auto name = name_of(entry);
    return std::any_of(entries.begin(), entries.end(), [&](const Json& other) {
      return is_image_descriptor(other) && fit(other, platform_) > Fit::Unknown &&
             name_of(other) == name;
    });
  }

  Result<ArchivedImage> read_entry(const Json& descriptor, const std::string& where, int depth) {
    if (++manifests_ > kMaxManifests) return too_many();
    auto bytes = TRY(read_blob(members_, descriptor, where));
    auto name = blob_name(TRY(digest_of(descriptor, where)));
    auto document = TRY(Json::parse(bytes).context("{}", name));
    if (!is_index(document)) return read_manifest(document, name);
    if (depth == kMaxNesting) return Error(ErrorCode::Corrupt, name + ": indexes nest too deeply");
    const Json* chosen = TRY(choose(document, name));
    return read_entry(*chosen, name, depth + 1);
  }

  /// The image of an index that is for our platform; the only one, if there is just one.
  Result<const Json*> choose(const Json& index, const std::string& where) {
    const Json* best = nullptr;
    int count = 0;
    for (const auto& entry : index["manifests"].as_array()) {
      if (!is_image_descriptor(entry)) continue;
      count++;
      if (best == nullptr || fit(entry, platform_) > fit(*best, platform_)) best = &entry;
    }
    if (best != nullptr && (count == 1 || fit(*best, platform_) != Fit::Foreign)) return best;
    return Error(ErrorCode::NotFound,
                 fmt::format("{}: it has no image for {}", where, platform_.str()));
  }

  Result<ArchivedImage> read_manifest(const Json& manifest, const std::string& where) {
    if (!manifest["config"].is_object() || !manifest["layers"].is_array())
      return Error(ErrorCode::Corrupt, where + ": not a manifest of an image");
    std::vector<ArchivedLayer> layers;
    for (const auto& layer : manifest["layers"].as_array()) {
      auto digest = TRY(digest_of(layer, where));
      layers.push_back({blob_name(digest), digest});
    }
    auto config = TRY(read_blob(members_, manifest["config"], where));
    return make_image(std::move(config), std::move(layers), where);
  }

  /// An image with several names has an entry for each.
  void add(ArchivedImage image) {
    auto same = std::find_if(images_.begin(), images_.end(),
                             [&](const ArchivedImage& other) { return other.id == image.id; });
    if (same == images_.end())
      images_.push_back(std::move(image));
    else
      same->names.insert(same->names.end(), image.names.begin(), image.names.end());
  }

  const Members& members_;
  const Platform& platform_;
  std::vector<ArchivedImage> images_;
  std::size_t manifests_ = 0;
  std::size_t total_ = 0;  // bytes of configs
};

}  // namespace

Result<std::vector<ArchivedImage>> read_oci_layout(const Members& members,
                                                   const Platform& platform) {
  return LayoutReader(members, platform).read();
}

}  // namespace strata::archive::detail

namespace strata::archive {

Result<ArchivedImage> read_layout_image(const Members& members, const Platform& platform,
                                        const std::string& tag,
                                        const std::optional<Digest>& digest) {
  return detail::LayoutReader(members, platform).read_one(tag, digest);
}

}  // namespace strata::archive
