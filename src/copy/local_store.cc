#include "copy/local_store.h"

#include <algorithm>
#include <mutex>

#include "archive/load.h"
#include "base/producer_source.h"
#include "copy/archives.h"
#include "copy/detail/blob_stream.h"
#include "store/layer_reader.h"

namespace strata::copy {
namespace {

/// The blobs of a source, by their digests.
class SourceMembers final : public archive::Members {
 public:
  SourceMembers(Source& source, std::vector<Descriptor> blobs, const CopyOptions& options)
      : source_(source), blobs_(std::move(blobs)), options_(options) {}

  Result<std::unique_ptr<ByteSource>> open(const std::string& name) const override {
    const auto* blob = find(name);
    if (blob == nullptr) return Error(ErrorCode::NotFound, name + ": no such member");
    auto short_name = blob->digest.hex().substr(0, 12);
    tell({short_name, "Copying"});
    auto progress = [this, short_name, size = blob->size](std::int64_t bytes) {
      if (size > 0) tell({short_name, "Copying", bytes, size});
    };
    auto stream = TRY(
        detail::BlobStream::open(source_, *blob, detail::Change::None, options_.stop, progress));
    return std::unique_ptr<ByteSource>(std::move(stream));
  }

  bool contains(const std::string& name) const override { return find(name) != nullptr; }

  Result<std::vector<std::string>> names() const override {
    std::vector<std::string> names;
    for (const auto& blob : blobs_) names.push_back(blob.digest.str());
    std::sort(names.begin(), names.end());
    return names;
  }

  void cancel() const override { source_.cancel(); }

 private:
  void tell(const transfer::Event& event) const {
    if (!options_.events) return;
    std::lock_guard lock(events_mutex_);
    options_.events(event);
  }

  const Descriptor* find(const std::string& name) const {
    auto found = std::find_if(blobs_.begin(), blobs_.end(),
                              [&](const Descriptor& blob) { return blob.digest.str() == name; });
    return found == blobs_.end() ? nullptr : &*found;
  }

  Source& source_;
  const std::vector<Descriptor> blobs_;
  const CopyOptions& options_;
  mutable std::mutex events_mutex_;  // one event at a time
};

}  // namespace

Result<Document> StoreSource::root() {
  return made_up_manifest(image_.bytes, image_.config.diff_ids);
}

Result<Document> StoreSource::manifest(const Descriptor& descriptor) {
  return Error(ErrorCode::NotFound,
               fmt::format("manifest {} is not in the store", descriptor.digest.str()));
}

Result<std::unique_ptr<ByteSource>> StoreSource::open(const Descriptor& blob) {
  if (blob.digest == image_.id.digest())
    return std::unique_ptr<ByteSource>(std::make_unique<StringSource>(image_.bytes));
  for (auto& layer : TRY(store_.layers().stack(image_.config.diff_ids))) {
    if (layer.diff_id.digest() != blob.digest) continue;
    auto read = [this, layer = std::move(layer)](const ByteSink& sink) {
      return read_layer(store_, layer, sink);
    };
    return std::unique_ptr<ByteSource>(std::make_unique<ProducerSource>(std::move(read)));
  }
  return Error(ErrorCode::NotFound, fmt::format("blob {} is not in the store", blob.digest.str()));
}

Result<ImageID> copy_to_store(Source& source, const Store& store, const Reference& name,
                              std::int64_t max_layer_size, bool lazy, const CopyOptions& options) {
  auto root = TRY(source.root());
  root = TRY(choose_image(source, std::move(root), options.platform));
  auto parsed = TRY(registry::parse_manifest(root.bytes, root.media_type)
                        .context("manifest {}", root.digest.str()));
  auto manifest = std::get<registry::Manifest>(std::move(parsed));
  archive::ArchivedImage image;
  image.config = TRY(detail::read_small(source, manifest.config, options.stop)
                         .context("config {}", manifest.config.digest.str()));
  image.id = ImageID(manifest.config.digest);
  image.parsed =
      TRY(parse_image_config(image.config).context("config {}", manifest.config.digest.str()));
  if (image.parsed.diff_ids.size() != manifest.layers.size())
    return Error(ErrorCode::Corrupt, "layers from manifest don't match image configuration");
  if (image.parsed.diff_ids.size() > LayerDB::kMaxDepth)
    return Error(ErrorCode::InvalidArgument, "max depth exceeded");
  for (const auto& layer : manifest.layers) image.layers.push_back({layer.digest.str(), {}});
  image.names.push_back(name);
  SourceMembers members(source, std::move(manifest.layers), options);
  archive::LoadOptions load;
  load.lazy = lazy;
  load.max_layer_size = max_layer_size;
  load.stop = options.stop;
  auto loaded = TRY(archive::load_images(store, members, {image}, load));
  return loaded.front().id;
}

}  // namespace strata::copy
