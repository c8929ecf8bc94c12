#include "archive/contents.h"

#include <algorithm>

#include "archive/detail/forms.h"
#include "store/layer_db.h"
#include "tar/header.h"

namespace strata::archive {
namespace detail {

Result<Json> read_json(const Members& members, const std::string& name) {
  return Json::parse(TRY(read_document(members, name))).context("{}", name);
}

Result<std::string> member_name(std::string_view text, std::string_view where) {
  auto name = tar::clean_name(text);
  if (!name || name->empty() || text.starts_with('/') || text.find('\0') != std::string_view::npos)
    return Error(ErrorCode::Corrupt,
                 fmt::format("{}: \"{}\" names no member of the archive", where, text));
  return name;
}

Result<ArchivedImage> make_image(std::string config, std::vector<ArchivedLayer> layers,
                                 const std::string& where) {
  ArchivedImage image;
  image.id = ImageID(sha256(config));
  image.parsed = TRY(parse_image_config(config).context("{}", where));
  image.config = std::move(config);
  image.layers = std::move(layers);
  if (image.layers.size() != image.parsed.diff_ids.size())
    return Error(ErrorCode::Corrupt,
                 fmt::format("{}: invalid manifest, layers length mismatch: expected {}, got {}",
                             where, image.layers.size(), image.parsed.diff_ids.size()));
  if (image.layers.size() > LayerDB::kMaxDepth)
    return Error(ErrorCode::InvalidArgument, where + ": max depth exceeded");
  if (!image.parsed.os.empty() && image.parsed.os != "linux")
    return Error(ErrorCode::Unsupported,
                 fmt::format("{}: cannot load {} image on linux", where, image.parsed.os));
  return image;
}

Result<void> account(std::size_t& total, const ArchivedImage& image) {
  constexpr std::size_t kMaxConfigs = std::size_t{64} << 20;
  total += image.config.size();
  if (total > kMaxConfigs) return Error(ErrorCode::Corrupt, "too many images");
  return {};
}

std::optional<Digest> digest_in_name(std::string_view name) {
  if (auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (name.ends_with(".json")) name.remove_suffix(5);
  if (name.starts_with("sha256:")) name.remove_prefix(7);
  auto digest = Digest::parse("sha256:" + std::string(name));
  return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace detail

Result<std::vector<ArchivedImage>> read_contents(const Members& members, const Platform& platform) {
  if (members.contains("manifest.json")) return detail::read_docker_archive(members);
  if (members.contains("index.json")) return detail::read_oci_layout(members, platform);
  auto images = TRY(detail::read_legacy_archive(members));
  if (images.empty())
    return Error(ErrorCode::Corrupt,
                 "no archive of images: it has no manifest.json, index.json or repositories");
  return images;
}

}  // namespace strata::archive
