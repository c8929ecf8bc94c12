#include <algorithm>
#include <map>

#include "archive/detail/forms.h"

namespace strata::archive::detail {
namespace {

constexpr const char* kManifest = "manifest.json";

struct WithParent {
  ArchivedImage image;
  std::optional<ImageID> parent;  // as the archive says
};

Result<Reference> repo_tag(const Json& text) {
  auto reference = Reference::parse_normalized(text.as_string());
  if (!reference || reference->tag.empty() || reference->digest || !check_taggable(*reference))
    return Error(ErrorCode::Corrupt,
                 fmt::format("{}: invalid tag \"{}\"", kManifest, text.as_string()));
  return reference;
}

Result<const Json*> list_of(const Json& item, const char* key) {
  const Json& list = item[key];
  if (!list.is_null() && !list.is_array())
    return Error(ErrorCode::Corrupt, fmt::format("{}: {} is no list", kManifest, key));
  for (const auto& element : list.as_array())
    if (!element.is_string())
      return Error(ErrorCode::Corrupt,
                   fmt::format("{}: {} has an element that is no text", kManifest, key));
  return &list;
}

Result<std::string> verified_config(const Members& members, const Json& item) {
  if (!item.is_object() || !item["Config"].is_string())
    return Error(ErrorCode::Corrupt, fmt::format("{}: an image without Config", kManifest));
  auto name = TRY(member_name(item["Config"].as_string(), kManifest));
  auto config = TRY(read_document(members, name));
  auto named = digest_in_name(name);
  if (named && sha256(config) != *named)
    return Error(ErrorCode::Corrupt, name + ": it does not have the digest of its name");
  return config;
}

Result<WithParent> read_item(const Members& members, const Json& item) {
  auto config = TRY(verified_config(members, item));
  std::vector<ArchivedLayer> layers;
  for (const auto& layer : TRY(list_of(item, "Layers"))->as_array())
    layers.push_back({TRY(member_name(layer.as_string(), kManifest)), std::nullopt});
  WithParent read;
  read.image = TRY(make_image(std::move(config), std::move(layers), item["Config"].as_string()));
  for (const auto& tag : TRY(list_of(item, "RepoTags"))->as_array())
    read.image.names.push_back(TRY(repo_tag(tag)));
  if (const auto& parent = item["Parent"].as_string(); !parent.empty()) {
    auto digest = Digest::parse(parent);
    if (!digest)
      return Error(ErrorCode::Corrupt, fmt::format("{}: bad Parent \"{}\"", kManifest, parent));
    read.parent = ImageID(*digest);
  }
  return read;
}

/// As docker checks it: the child's history is the parent's and one step more.
bool is_valid_parent(const ImageConfig& child, const ImageConfig& parent) {
  if (child.history.empty() && parent.history.empty()) return true;
  return child.history.size() == parent.history.size() + 1 &&
         std::equal(parent.history.begin(), parent.history.end(), child.history.begin());
}

}  // namespace

Result<std::vector<ArchivedImage>> read_docker_archive(const Members& members) {
  auto manifest = TRY(read_json(members, kManifest));
  if (!manifest.is_array())
    return Error(ErrorCode::Corrupt, fmt::format("{}: not a list of images", kManifest));
  std::vector<WithParent> read;
  std::size_t total = 0;
  for (const auto& item : manifest.as_array()) {
    read.push_back(TRY(read_item(members, item)));
    TRY(account(total, read.back().image));
  }
  std::map<ImageID, const ImageConfig*> configs;
  for (const auto& item : read) configs.emplace(item.image.id, &item.image.parsed);
  for (auto& [image, parent] : read) {
    if (!parent || *parent == image.id) continue;
    auto found = configs.find(*parent);
    if (found == configs.end()) continue;
    if (!is_valid_parent(image.parsed, *found->second))
      return Error(ErrorCode::Corrupt, fmt::format("{}: image {} is not a valid parent for {}",
                                                   kManifest, parent->str(), image.id.str()));
    image.parent = parent;
  }
  std::vector<ArchivedImage> images;
  for (auto& item : read) images.push_back(std::move(item.image));
  return images;
}

}  // namespace strata::archive::detail
