#include "registry/manifest_lists.h"

#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "base/temp_dir.h"

namespace strata::registry {
namespace {

constexpr std::size_t kMaxListFile = std::size_t{16} << 20;  // bytes of one image's file

std::string file_name(const Reference& reference) {
  auto name = reference.str();
  std::replace(name.begin(), name.end(), ':', '-');
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

Json descriptor_json(const ListedManifest& m) {
  return Json::object({{"mediaType", m.descriptor.media_type},
                       {"digest", m.descriptor.digest.str()},
                       {"size", m.descriptor.size},
                       {"platform", platform_json(m.platform)}});
}

Result<ListedManifest> parse_file(const std::string& text) {
  auto json = TRY(Json::parse(text));
  ListedManifest m;
  m.reference = TRY(Reference::parse_normalized(json["Ref"].as_string()));
  const auto& d = json["Descriptor"];
  m.descriptor = {d["mediaType"].as_string(), TRY(Digest::parse(d["digest"].as_string())),
                  d["size"].as_int()};
  m.platform = parse_full_platform(d["platform"]);
  if (auto bytes = base64_decode(json["Raw"].as_string());
      bytes && sha256(*bytes) == m.descriptor.digest)
    m.bytes = *std::move(bytes);
  for (auto key : {"SchemaV2Manifest", "OCIManifest"})
    if (json[key].is_object()) m.manifest = json[key];
  return m;
}

}  // namespace

FullPlatform parse_full_platform(const Json& json) {
  return {json["architecture"].as_string(), json["os"].as_string(), json["os.version"].as_string(),
          json["os.features"].as_strings(), json["variant"].as_string()};
}

Json platform_json(const FullPlatform& p) {
  Json json = Json::object({{"architecture", p.architecture}, {"os", p.os}});
  if (!p.os_version.empty()) json.set("os.version", p.os_version);
  if (!p.os_features.empty()) json.set("os.features", Json::strings(p.os_features));
  if (!p.variant.empty()) json.set("variant", p.variant);
  return json;
}

Json listed_json(const ListedManifest& manifest, bool raw) {
  Json json =
      Json::object({{"Ref", manifest.reference.str()}, {"Descriptor", descriptor_json(manifest)}});
  if (raw && !manifest.bytes.empty()) json.set("Raw", base64_encode(manifest.bytes));
  bool oci = manifest.descriptor.media_type == kOciManifest;
  json.set(oci ? "OCIManifest" : "SchemaV2Manifest", manifest.manifest);
  return json;
}

ManifestLists::ManifestLists(const std::string& config_file)
    : root_(config_file.substr(0, config_file.rfind('/')) + "/manifests") {}

Result<std::vector<ListedManifest>> ManifestLists::load(const Reference& list) const {
  std::vector<ListedManifest> all;
  auto dir = open_dir(AT_FDCWD, root_ + '/' + file_name(list));
  if (!dir && dir.error().code() == ErrorCode::NotFound) return all;
  if (!dir) return std::move(dir).error();
  for (const auto& name : TRY(list_dir(dir->get()))) {
    if (name.starts_with('.')) continue;  // being written
    auto text = TRY(read_file(dir->get(), name, kMaxListFile));
    auto manifest = TRY(parse_file(text).context("{}/{}/{}", root_, file_name(list), name));
    all.push_back(std::move(manifest));
  }
  return all;
}

Result<std::optional<ListedManifest>> ManifestLists::find(const Reference& list,
                                                          const Reference& image) const {
  for (auto& manifest : TRY(load(list)))
    if (manifest.reference == image) return std::optional(std::move(manifest));
  return std::optional<ListedManifest>();
}

Result<void> ManifestLists::save(const Reference& list, const ListedManifest& manifest) const {
  auto path = root_ + '/' + file_name(list);
  TRY(make_dirs(AT_FDCWD, path, 0755));
  auto dir = TRY(open_dir(AT_FDCWD, path));
  return write_file_atomic(dir.get(), file_name(manifest.reference),
                           listed_json(manifest, /*raw=*/true).dump(), 0644);
}

Result<bool> ManifestLists::remove(const Reference& list) const {
  auto dir = open_dir(AT_FDCWD, root_);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return false;
  if (!dir) return std::move(dir).error();
  auto removed = remove_tree(dir->get(), file_name(list));
  if (!removed && removed.error().code() == ErrorCode::NotFound) return false;
  if (!removed) return std::move(removed).error();
  return true;
}

Document encode_list(const std::vector<ListedManifest>& manifests) {
  bool oci = !manifests.empty();
  Json::Array entries;
  for (const auto& m : manifests) {
    oci &= m.descriptor.media_type == kOciManifest;
    entries.push_back(Json::object({{"mediaType", m.descriptor.media_type},
                                    {"size", m.descriptor.size},
                                    {"digest", m.descriptor.digest.str()},
                                    {"platform", platform_json(m.platform)}}));
  }
  Document document;
  document.media_type = oci ? kOciIndex : kDockerIndex;
  document.bytes = Json::object({{"schemaVersion", 2},
                                 {"mediaType", document.media_type},
                                 {"manifests", Json::array(std::move(entries))}})
                       .dump_indented("   ");
  document.digest = sha256(document.bytes);
  return document;
}

}  // namespace strata::registry
