#include "copy/archives.h"

#include <algorithm>
#include <charconv>

#include "compress/detect.h"
#include "copy/copy.h"
#include "copy/detail/tar_file.h"
#include "copy/layout.h"

namespace strata::copy {
namespace {

using detail::TarFile;

/// What both kinds of archive have in common: blobs are written as they come, each once.
class ArchiveDestination : public Destination {
 public:
  explicit ArchiveDestination(TarFile tar) : tar_(std::move(tar)) {}

  Result<bool> has(const Descriptor& blob) override { return written_.contains(blob.digest); }

  Result<void> put(const OpenBlob& open, const std::function<Descriptor()>& what) override {
    auto source = TRY(open());
    TRY(tar_.add(*source, [&] { return member_of(what()); }));
    written_.insert(what().digest);
    return {};
  }

  Result<void> put_manifest(const Document& document) override {
    if (!written_.insert(document.digest).second) return {};
    return tar_.add(blob_path(document.digest), document.bytes);
  }

 protected:
  virtual std::string member_of(const Descriptor& blob) const { return blob_path(blob.digest); }

  TarFile tar_;
  std::set<Digest> written_;
};

class LayoutArchive final : public ArchiveDestination {
 public:
  LayoutArchive(TarFile tar, std::string name)
      : ArchiveDestination(std::move(tar)), name_(std::move(name)) {}

  Result<void> finish(const Document& root) override {
    TRY(put_manifest(root));
    auto index = TRY(add_to_index("", root, name_));
    TRY(tar_.add("index.json", index));
    TRY(tar_.add("oci-layout", kLayoutVersion));
    return tar_.finish();
  }

 private:
  const std::string name_;
};

class DockerArchive final : public ArchiveDestination {
 public:
  DockerArchive(TarFile tar, const std::optional<Reference>& name)
      : ArchiveDestination(std::move(tar)), name_(name) {}

  bool wants_plain_image() const override { return true; }

  Result<void> finish(const Document& root) override {
    auto parts = TRY(registry::parse_parts(root.bytes, root.media_type));
    std::vector<std::string> layers;
    for (const auto& layer : parts.manifest.layers) layers.push_back(layer_name(layer.digest));
    Json tags;
    if (name_) tags = Json::strings({name_->familiar()});
    Json item = Json::object({{"Config", config_name(parts.manifest.config.digest)},
                              {"RepoTags", std::move(tags)},
                              {"Layers", Json::strings(layers)}});
    TRY(tar_.add("manifest.json", Json::array({std::move(item)}).dump()));
    return tar_.finish();
  }

 protected:
  std::string member_of(const Descriptor& blob) const override {
    bool is_layer =
        blob.media_type != registry::kDockerConfig && blob.media_type != registry::kOciConfig;
    return is_layer ? layer_name(blob.digest) : config_name(blob.digest);
  }

 private:
  static std::string layer_name(const Digest& digest) { return digest.hex() + ".tar"; }
  static std::string config_name(const Digest& digest) { return digest.hex() + ".json"; }

  const std::optional<Reference> name_;
};

/// A member without its compression, if it has one.
class PlainMember final : public ByteSource {
 public:
  static Result<std::unique_ptr<ByteSource>> open(std::unique_ptr<ByteSource> member) {
    auto plain = std::make_unique<PlainMember>();
    plain->member_ = std::move(member);
    plain->plain_ = TRY(decompress(*plain->member_));
    return std::unique_ptr<ByteSource>(std::move(plain));
  }
  Result<std::size_t> read(std::span<char> buffer) override { return plain_->read(buffer); }

 private:
  std::unique_ptr<ByteSource> member_;
  std::unique_ptr<ByteSource> plain_;
};

/// Gives a text that it keeps.
class OwnedText final : public ByteSource {
 public:
  explicit OwnedText(std::string text) : text_(std::move(text)), source_(text_) {}
  Result<std::size_t> read(std::span<char> buffer) override { return source_.read(buffer); }

 private:
  const std::string text_;
  StringSource source_;
};

bool has_name(const archive::ArchivedImage& image, const Reference& name) {
  return std::find(image.names.begin(), image.names.end(), name) != image.names.end();
}

}  // namespace

Result<std::unique_ptr<Destination>> open_layout_archive(const std::string& path,
                                                         const std::string& name) {
  auto tar = TRY(TarFile::create(path));
  return std::unique_ptr<Destination>(std::make_unique<LayoutArchive>(std::move(tar), name));
}

Result<std::unique_ptr<Destination>> open_docker_archive(const std::string& path,
                                                         const std::optional<Reference>& name) {
  auto tar = TRY(TarFile::create(path));
  return std::unique_ptr<Destination>(std::make_unique<DockerArchive>(std::move(tar), name));
}

Document made_up_manifest(const std::string& config, const std::vector<DiffID>& layers) {
  registry::Manifest manifest;
  manifest.config = {registry::kDockerConfig, sha256(config),
                     static_cast<std::int64_t>(config.size())};
  for (const auto& layer : layers)
    manifest.layers.push_back({registry::kDockerPlainLayer, layer.digest(), 0});
  Document document;
  document.bytes = registry::encode_manifest(manifest, registry::kDockerManifest);
  document.media_type = registry::kDockerManifest;
  document.digest = sha256(document.bytes);
  return document;
}

Result<Document> DockerArchiveSource::root() {
  return made_up_manifest(image_.config, image_.parsed.diff_ids);
}

Result<Document> DockerArchiveSource::manifest(const Descriptor& descriptor) {
  return Error(ErrorCode::NotFound,
               fmt::format("manifest {} is not in the archive", descriptor.digest.str()));
}

Result<std::unique_ptr<ByteSource>> DockerArchiveSource::open(const Descriptor& blob) {
  if (blob.digest == image_.id.digest())
    return std::unique_ptr<ByteSource>(std::make_unique<OwnedText>(image_.config));
  const auto& ids = image_.parsed.diff_ids;
  auto found = std::find(ids.begin(), ids.end(), DiffID(blob.digest));
  if (found == ids.end())
    return Error(ErrorCode::NotFound,
                 fmt::format("blob {} is not in the archive", blob.digest.str()));
  auto layer = static_cast<std::size_t>(found - ids.begin());
  auto member = TRY(members_->open(image_.layers[layer].member));
  return PlainMember::open(std::move(member));
}

Result<archive::ArchivedImage> pick_image(std::vector<archive::ArchivedImage> images,
                                          const std::string& name) {
  if (name.empty()) {
    if (images.size() == 1) return std::move(images.front());
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the archive has {} images, one must be named", images.size()));
  }
  if (name.starts_with('@')) {
    std::size_t at = images.size();
    std::from_chars(name.data() + 1, name.data() + name.size(), at);
    if (at < images.size()) return std::move(images[at]);
  } else {
    auto reference = TRY(Reference::parse_normalized(name)).with_default_tag();
    for (auto& image : images)
      if (has_name(image, reference)) return std::move(image);
  }
  return Error(ErrorCode::NotFound, fmt::format("the archive has no image \"{}\"", name));
}

}  // namespace strata::copy
