#include "transfer/pull.h"

#include <sys/resource.h>

#include <algorithm>
#include <map>

#include "base/parallel.h"
#include "store/image_notes.h"
#include "store/kept_blobs.h"
#include "store/layer_writer.h"
#include "store/write_behind.h"
#include "transfer/detail/download.h"
#include "transfer/detail/unpack_layer.h"
#include "transfer/metadata.h"
#include "transfer/push_layers.h"

namespace strata::transfer {
namespace {

using detail::BlobFile;
using detail::Download;
using detail::Reporter;
using detail::short_name;
using registry::Descriptor;

constexpr int kMaxNesting = 2;      // indexes in indexes
constexpr std::size_t kAtOnce = 3;  // layers, as dockerd

/// Every unpacked layer keeps a few descriptors until all are published.
void raise_open_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// An image as the registry describes it: manifest and config agree, its layers are still unread.
struct RemoteImage {
  Digest digest;                // of what the reference names
  registry::Document document;  // the manifest
  registry::Manifest manifest;
  ImageID id;
  std::string config;
  ImageConfig parsed;
};

/// What `document` describes, or the entry of it for the platform.
Result<void> find_manifest(registry::Repository& repository, const Reference& reference,
                           registry::Document document, const Platform& platform, int depth,
                           RemoteImage& image) {
  auto parsed = TRY(registry::parse_manifest(document.bytes, document.media_type)
                        .context("manifest {}", document.digest.str()));
  if (auto* manifest = std::get_if<registry::Manifest>(&parsed)) {
    image.manifest = std::move(*manifest);
    image.document = std::move(document);
    return {};
  }
  const auto& index = std::get<registry::Index>(parsed);
  const auto* entry = registry::choose(index, platform);
  if (entry == nullptr)
    return Error(
        ErrorCode::NotFound,
        fmt::format("no matching manifest for {} in the manifest list entries", platform.str()));
  if (depth == kMaxNesting) return Error(ErrorCode::Corrupt, "indexes nest too deeply");
  auto inner = reference.without_tag_and_digest();
  inner.digest = entry->manifest.digest;
  auto next = TRY(repository.manifest(inner));
  return find_manifest(repository, reference, std::move(next), platform, depth + 1, image);
}

Result<RemoteImage> describe(registry::Repository& repository, const Reference& reference,
                             const PullOptions& options) {
  RemoteImage image;
  auto document = TRY(repository.manifest(reference));
  if (options.events)
    options.events({reference.digest ? reference.digest->str() : reference.tag,
                    "Pulling from " + reference.path});
  image.digest = document.digest;
  TRY(find_manifest(repository, reference, std::move(document), options.platform, 0, image));
  const auto& config = image.manifest.config;
  image.config = TRY(repository.document(config).context("config {}", config.digest.str()));
  image.id = ImageID(config.digest);
  image.parsed = TRY(parse_image_config(image.config).context("config {}", config.digest.str()));
  const auto& parsed = image.parsed;
  if (!parsed.os.empty() && parsed.os != "linux")
    return Error(ErrorCode::Unsupported, "operating system is not supported");
  if (parsed.diff_ids.size() != image.manifest.layers.size())
    return Error(ErrorCode::Corrupt, "layers from manifest don't match image configuration");
  if (parsed.diff_ids.size() > LayerDB::kMaxDepth)
    return Error(ErrorCode::InvalidArgument, "max depth exceeded");
  return image;
}

/// The layers of one image on their way into the store.
class LayerPull {
 public:
  LayerPull(const Store& store, registry::Repository& repository, const RemoteImage& image,
            const PullOptions& options, WriteBehind& behind)
      : store_(store),
        repository_(repository),
        image_(image),
        options_(options),
        behind_(behind),
        reporter_(options.events),
        chain_(chain_ids(image.parsed.diff_ids)),
        writers_(chain_.size()) {}

  /// Fetches, unpacks and verifies what the store does not have.
  Result<void> prepare() {
    TRY(open_blobs());
    announce();
    if (todo_.empty()) return {};
    std::stop_callback stop(options_.stop, [this] { stop_all(); });
    auto unpacked = for_each_index(
        todo_.size(), kAtOnce, [this](std::size_t i) { return unpack(todo_[i]); },
        [this] { stop_all(); });
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    return unpacked;
  }

  Result<void> publish() {
    std::optional<ChainID> parent;
    for (std::size_t i = 0; i < chain_.size(); i++) {
      if (writers_[i]) {
        TRY(writers_[i]->publish(parent));
        writers_[i].reset();
        reporter_.tell(name_of(i), "Pull complete");
      }
      parent = chain_[i];
    }
    return {};
  }

  /// The blobs are layers now: what has room stays for pushes.
  void keep_blobs() {
    auto limit = kept_blob_limit(store_.own_dir());
    for (auto& [digest, download] : downloads_)
      if (limit > 0)
        download->keep();
      else
        download->remove();
    shrink_kept_blobs(store_.own_dir(), limit);
  }

 private:
  const Descriptor& blob_of(std::size_t layer) const { return image_.manifest.layers[layer]; }
  std::string name_of(std::size_t layer) const { return short_name(blob_of(layer).digest); }
  bool is_there(std::size_t layer) const { return store_.layers().contains(chain_[layer]); }

  /// Takes the files of the blobs that are needed, for this process alone and in the order of
  /// their digests: two pulls never wait for each other. Whoever had one may have brought the
  /// layer.
  Result<void> open_blobs() {
    std::map<Digest, Descriptor> needed;
    for (std::size_t i = 0; i < chain_.size(); i++)
      if (!is_there(i)) needed.emplace(blob_of(i).digest, blob_of(i));
    for (const auto& [digest, blob] : needed) {
      auto file = TRY(BlobFile::open(store_.own_dir(), digest, options_.stop));
      downloads_.emplace(digest,
                         std::make_unique<Download>(repository_, blob, std::move(file), reporter_));
    }
    for (std::size_t i = 0; i < chain_.size(); i++)
      if (!is_there(i)) todo_.push_back(i);
    return {};
  }

  void announce() {
    if (todo_.empty() && store_.images().contains(image_.id)) return;  // as docker
    std::size_t waiting = 0;
    for (std::size_t i = 0; i < chain_.size(); i++)
      reporter_.tell(name_of(i), is_there(i) ? "Already exists" : "Pulling fs layer");
    for (auto layer : todo_)
      if (waiting++ >= kAtOnce) reporter_.tell(name_of(layer), "Waiting");
  }

  void stop_all() {
    repository_.cancel();
    for (auto& [digest, download] : downloads_) download->stop();
  }

  Result<void> unpack(std::size_t layer) {
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    auto& download = *downloads_.at(blob_of(layer).digest);
    download.start();
    auto writer = extract(layer, download);
    if (!writer && writer.error().code() == ErrorCode::Corrupt) download.spoil();
    writers_[layer] = TRY(std::move(writer));
    return {};
  }

  Result<LayerWriter> extract(std::size_t layer, Download& download) {
    auto blob = download.reader();
    std::optional<ChainID> below;  // the topmost that the store has: files may be linked from there
    for (std::size_t i = 0; i < layer && is_there(i); i++) below = chain_[i];
    return detail::unpack_layer(store_, *blob, image_.parsed.diff_ids[layer],
                                {name_of(layer), below, options_.max_layer_size, &behind_});
  }

  const Store& store_;
  registry::Repository& repository_;
  const RemoteImage& image_;
  const PullOptions& options_;
  WriteBehind& behind_;
  Reporter reporter_;
  const std::vector<ChainID> chain_;
  std::vector<std::optional<LayerWriter>> writers_;  // by layer; each written by one worker
  std::map<Digest, std::unique_ptr<Download>> downloads_;
  std::vector<std::size_t> todo_;  // layers that the store lacks
};

/// What is there already must not be removed while we count on it.
Result<void> hold_all(const Store& store, const RemoteImage& image) {
  TRY(store.hold(image.id));
  for (const auto& chain : chain_ids(image.parsed.diff_ids)) TRY(store.hold(chain));
  return {};
}

References::Names names_of(const RemoteImage& image, const Reference& reference) {
  auto by_digest = reference.without_tag_and_digest();
  by_digest.digest = image.digest;
  References::Names names;
  if (!reference.digest) names.emplace_back(reference, image.id);
  names.emplace_back(by_digest, image.id);
  return names;
}

/// Gives the image its names in one step. False if the first one named it before.
Result<bool> set_names(const Store& store, const RemoteImage& image, const References::Names& names,
                       std::optional<References::Prepared> prepared) {
  auto kept = TRY(store.keep_all());
  if (!store.images().contains(image.id))
    return Error(ErrorCode::Conflict,
                 fmt::format("image {} was removed meanwhile", image.id.str()));
  auto before = TRY(store.references().set_all(names, prepared ? &*prepared : nullptr));
  ImageNotes(store.own_dir()).note_use(image.id);
  return before.front() != image.id;
}

void remember(const Store& store, const Reference& reference, const RemoteImage& image) {
  for (std::size_t i = 0; i < image.manifest.layers.size(); i++) {
    const auto& blob = image.manifest.layers[i];
    (void)remember_blob(store, image.parsed.diff_ids[i], {blob.digest, reference.name(), ""});
    remember_form(store, blob.digest, compression_of(blob.media_type));
  }
  keep_manifest(store, image.id, image.document);
}

}  // namespace

Result<ImageConfig> remote_config(registry::Repository& repository, const Reference& reference,
                                  const Platform& platform) {
  PullOptions options;
  options.platform = platform;
  auto image = TRY(describe(repository, reference, options));
  return std::move(image.parsed);
}

Result<Pulled> pull_image(const Store& store, registry::Repository& repository,
                          const Reference& reference, const PullOptions& options) {
  raise_open_file_limit();
  detail::remove_old_blobs(store.own_dir());
  auto image = TRY(describe(repository, reference, options));
  TRY(hold_all(store, image));
  WriteBehind behind(store, options.lazy);
  LayerPull layers(store, repository, image, options, behind);
  TRY(layers.prepare());
  TRY(layers.publish());
  TRY(store.images().put(image.config, std::nullopt, /*built_locally=*/false));
  remember(store, reference, image);
  const auto names = names_of(image, reference);
  auto prepared = TRY(behind.sync_with(names));
  bool is_new = TRY(set_names(store, image, names, std::move(prepared)));
  layers.keep_blobs();
  return Pulled{image.id, image.digest, is_new,
                normalize({image.parsed.os, image.parsed.architecture, image.parsed.variant})};
}

}  // namespace strata::transfer
