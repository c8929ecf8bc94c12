#include "transfer/push.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "compress/gzip_writer.h"
#include "digest/hasher.h"
#include "store/layer_reader.h"
#include "transfer/detail/producer_source.h"
#include "transfer/detail/reporter.h"
#include "transfer/metadata.h"

namespace strata::transfer {
namespace {

using detail::ProducerSource;
using detail::Reporter;
using registry::Descriptor;

constexpr std::size_t kUploads = 3;      // layers at once
constexpr std::size_t kMostGuesses = 5;  // digests that a layer may have at the registry

/// The blob of a layer while it is made.
struct BlobMaker {
  Hasher hasher;
  std::int64_t size = 0;  // bytes
  Digest digest;          // once it is complete
};

/// The layers of one image on their way to a registry.
class LayerPush {
 public:
  LayerPush(const Store& store, registry::Repository& repository, const Reference& reference,
            const PushOptions& options, std::vector<LayerInfo> layers)
      : store_(store),
        repository_(repository),
        reference_(reference),
        options_(options),
        reporter_(options.events),
        layers_(std::move(layers)),
        blobs_(layers_.size()) {}

  Result<std::vector<Descriptor>> run() {
    find_duplicates();
    // Those on top first, as docker.
    for (auto i = layers_.size(); i-- > 0;) reporter_.tell(name_of(i), "Preparing");
    for (std::size_t n = kUploads; n < todo_.size(); n++)
      reporter_.tell(name_of(todo_[n]), "Waiting");
    {
      std::vector<std::jthread> workers;
      for (std::size_t i = 0; i < std::min(todo_.size(), kUploads); i++)
        workers.emplace_back([this] { work(); });
    }
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    if (error_) return *std::move(error_);
    for (std::size_t i = 0; i < layers_.size(); i++) blobs_[i] = blobs_[first_of(i)];
    return std::move(blobs_);
  }

 private:
  std::string name_of(std::size_t i) const {
    return detail::short_name(layers_[i].diff_id.digest());
  }

  /// The first layer with the same content: it stands for all of them.
  std::size_t first_of(std::size_t i) const {
    std::size_t first = 0;
    while (layers_[first].diff_id != layers_[i].diff_id) first++;
    return first;
  }

  void find_duplicates() {
    for (auto i = layers_.size(); i-- > 0;)
      if (first_of(i) == i) todo_.push_back(i);
  }

  void work() {
    for (;;) {
      std::size_t at = next_++;
      if (at >= todo_.size() || failed_) return;
      auto done = push(todo_[at]);
      if (done) continue;
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(done).error();
      failed_ = true;
      repository_.cancel();
    }
  }

  Result<void> push(std::size_t i) {
    const auto& layer = layers_[i];
    auto known = known_blobs(store_, layer.diff_id);
    std::reverse(known.begin(), known.end());  // newest first
    if (TRY(find_there(i, known))) return {};
    for (std::size_t n = 0; n < std::min(known.size(), kMostGuesses); n++)
      if (TRY(mount(i, known[n]))) return {};
    auto maker = std::make_shared<BlobMaker>();
    TRY(repository_.upload([&] { return open_blob(i, maker); }, [&] { return maker->digest; }));
    reporter_.tell(name_of(i), "Pushed");
    return finish(i, maker->digest, maker->size);
  }

  /// Whether the repository has it under one of the digests that it is known by.
  Result<bool> find_there(std::size_t i, const std::vector<KnownBlob>& known) {
    std::vector<Digest> asked;
    auto guess = [&](bool here) -> Result<bool> {
      for (const auto& blob : known) {
        if ((blob.repository == reference_.name()) != here || asked.size() == kMostGuesses)
          continue;
        if (std::find(asked.begin(), asked.end(), blob.digest) != asked.end()) continue;
        asked.push_back(blob.digest);
        auto size = TRY(repository_.blob_size(blob.digest));
        if (!size) continue;
        reporter_.tell(name_of(i), "Layer already exists");
        TRY(finish(i, blob.digest, *size));
        return true;
      }
      return false;
    };
    if (TRY(guess(true))) return true;
    return guess(false);
  }

  /// Another repository of the same registry may have it.
  Result<bool> mount(std::size_t i, const KnownBlob& blob) {
    auto from = Reference::parse_normalized(blob.repository);
    if (!from || from->domain != reference_.domain || from->path == reference_.path) return false;
    if (!TRY(repository_.mount(blob.digest, from->path))) return false;
    auto size = TRY(repository_.blob_size(blob.digest));
    if (!size) return false;
    reporter_.tell(name_of(i), "Mounted from " + from->path);
    TRY(finish(i, blob.digest, *size));
    return true;
  }

  Result<void> finish(std::size_t i, const Digest& digest, std::int64_t size) {
    blobs_[i] = {options_.oci ? registry::kOciLayer : registry::kDockerLayer, digest, size};
    auto repository = reference_.name();
    auto hmac = blob_hmac(options_.auth_config, digest, repository);
    (void)remember_blob(store_, layers_[i].diff_id, {digest, repository, hmac});
    return {};
  }

  Result<std::unique_ptr<ByteSource>> open_blob(std::size_t i,
                                                const std::shared_ptr<BlobMaker>& maker) {
    *maker = BlobMaker();
    auto produce = [this, i, maker](const ByteSink& sink) { return make_blob(i, *maker, sink); };
    return std::unique_ptr<ByteSource>(std::make_unique<ProducerSource>(produce));
  }

  Result<void> make_blob(std::size_t i, BlobMaker& maker, const ByteSink& sink) {
    const auto& layer = layers_[i];
    auto total = TRY(layer_tar_size(store_, layer));
    std::int64_t read = 0;
    GzipWriter gzip([&](std::string_view bytes) -> Result<void> {
      maker.hasher.update(bytes);
      maker.size += static_cast<std::int64_t>(bytes.size());
      return sink(bytes);
    });
    TRY(read_layer(store_, layer, [&](std::string_view bytes) -> Result<void> {
      if (options_.stop.stop_requested() || failed_)
        return Error(ErrorCode::Cancelled, "cancelled");
      read += static_cast<std::int64_t>(bytes.size());
      reporter_.tell(name_of(i), "Pushing", read, total);
      return gzip.write(bytes);
    }));
    TRY(gzip.finish());
    maker.digest = maker.hasher.finish();
    return {};
  }

  const Store& store_;
  registry::Repository& repository_;
  const Reference& reference_;
  const PushOptions& options_;
  Reporter reporter_;
  const std::vector<LayerInfo> layers_;
  std::vector<Descriptor> blobs_;  // by layer; each written by one worker
  std::vector<std::size_t> todo_;  // different layers, topmost first
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards error_
  std::optional<Error> error_;
};

Result<Descriptor> push_config(registry::Repository& repository, const Image& image, bool oci) {
  const auto& digest = image.id.digest();
  if (!TRY(repository.blob_size(digest))) TRY(repository.upload(digest, image.bytes));
  return Descriptor{oci ? registry::kOciConfig : registry::kDockerConfig, digest,
                    static_cast<std::int64_t>(image.bytes.size())};
}

}  // namespace

Result<Pushed> push_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PushOptions& options) {
  auto image = TRY(take_image(store, reference.familiar()));
  registry::Manifest manifest;
  auto layers = TRY(store.layers().stack(image.config.diff_ids));
  LayerPush push(store, repository, reference, options, std::move(layers));
  manifest.layers = TRY(push.run());
  manifest.config = TRY(push_config(repository, image, options.oci));
  registry::Document document;
  document.media_type = options.oci ? registry::kOciManifest : registry::kDockerManifest;
  document.bytes = registry::encode_manifest(manifest, document.media_type.c_str());
  document.digest = sha256(document.bytes);
  TRY(repository.put_manifest(reference.tag, document));

  auto by_digest = reference.without_tag_and_digest();
  by_digest.digest = document.digest;
  auto kept = TRY(store.keep_all());
  if (store.images().contains(image.id)) TRY(store.references().set_all({{by_digest, image.id}}));
  return Pushed{document.digest, static_cast<std::int64_t>(document.bytes.size())};
}

}  // namespace strata::transfer
