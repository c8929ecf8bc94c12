#include "copy/copy.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/parallel.h"
#include "copy/detail/blob_stream.h"
#include "copy/detail/media_types.h"
#include "image/config.h"

namespace strata::copy {
namespace {

using detail::BlobStream;
using detail::Change;
using registry::Manifest;
using registry::Parts;

constexpr std::size_t kAtOnce = 3;  // blobs
constexpr int kMaxNesting = 4;      // of indexes

std::string short_name(const Digest& digest) { return digest.hex().substr(0, 12); }

Document make_document(std::string bytes, std::string media_type) {
  auto digest = sha256(bytes);
  return {std::move(bytes), std::move(media_type), digest};
}

/// Notes what a stream was when it has ended.
class Watched final : public ByteSource {
 public:
  Watched(std::unique_ptr<BlobStream> stream, Descriptor& outcome)
      : stream_(std::move(stream)), outcome_(outcome) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    auto n = TRY(stream_->read(buffer));
    if (n == 0 && !buffer.empty()) outcome_ = stream_->outcome();
    return n;
  }

 private:
  std::unique_ptr<BlobStream> stream_;
  Descriptor& outcome_;
};

/// Carries one image, or one index and all below it.
class Copier {
 public:
  Copier(Source& source, Destination& destination, const CopyOptions& options)
      : source_(source), destination_(destination), options_(options) {}

  /// Copies everything that a document names. Gives the document as the destination is to have it.
  Result<Document> copy(Document document, int depth) {
    auto parts = TRY(registry::parse_parts(document.bytes, document.media_type)
                         .context("manifest {}", document.digest.str()));
    document.media_type = parts.media_type;
    if (!parts.is_index) return copy_image(std::move(document), std::move(parts.manifest));
    if (depth == kMaxNesting) return Error(ErrorCode::Corrupt, "indexes nest too deeply");
    return copy_index(std::move(document), parts.children, depth);
  }

 private:
  Result<Document> copy_index(Document document, const std::vector<Descriptor>& children,
                              int depth) {
    std::vector<Descriptor> copied;
    for (const auto& child : children) {
      auto inner = TRY(source_.manifest(child).context("manifest {}", child.digest.str()));
      auto done = TRY(copy(std::move(inner), depth + 1));
      TRY(destination_.put_manifest(done));
      copied.push_back(
          {done.media_type, done.digest, static_cast<std::int64_t>(done.bytes.size())});
    }
    bool same = std::equal(children.begin(), children.end(), copied.begin(),
                           [](const auto& a, const auto& b) { return a.digest == b.digest; });
    auto type = detail::index_type(document.media_type, options_.format);
    if (same && type == document.media_type) return document;
    TRY(check_change(document));
    return make_document(TRY(detail::rewrite_index(document.bytes, copied, type)), type);
  }

  Result<Document> copy_image(Document document, Manifest manifest) {
    bool plain = destination_.wants_plain_image();
    auto type =
        detail::manifest_type(document.media_type, plain ? Format::Docker : options_.format);
    bool same = type == document.media_type && !plain && !source_.is_made_up();
    if (!same && !source_.is_made_up() && !plain) TRY(check_change(document));
    std::vector<DiffID> wanted;
    if (plain) wanted = TRY(diff_ids_of(manifest));
    auto config = TRY(copy_blobs({manifest.config}, Change::None));
    auto layers = TRY(copy_blobs(manifest.layers, change_of_layers()));
    for (std::size_t i = 0; i < wanted.size(); i++)
      if (layers[i].digest != wanted[i].digest())
        return Error(ErrorCode::Corrupt,
                     fmt::format("layer {}: invalid diffID: expected {}, got {}",
                                 short_name(manifest.layers[i].digest), wanted[i].str(),
                                 layers[i].digest.str()));
    if (same) return document;
    for (auto& layer : layers) {
      if (change_of_layers() == Change::Compress) layer.media_type = registry::kDockerLayer;
      if (change_of_layers() == Change::Decompress) layer.media_type = registry::kDockerPlainLayer;
    }
    Manifest changed{config.front(), std::move(layers)};
    TRY(detail::rewrite_types(changed, type));
    return make_document(registry::encode_manifest(changed, type.c_str()), type);
  }

  Result<void> check_change(const Document& document) const {
    if (!options_.preserve_digests) return {};
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the destination would change manifest {}, and digests are to be kept",
                             document.digest.str()));
  }

  Change change_of_layers() const {
    if (destination_.wants_plain_image()) return Change::Decompress;
    return source_.is_made_up() ? Change::Compress : Change::None;
  }

  /// What the layers must be without compression.
  Result<std::vector<DiffID>> diff_ids_of(const Manifest& manifest) {
    auto text = TRY(detail::read_small(source_, manifest.config, options_.stop)
                        .context("config {}", manifest.config.digest.str()));
    auto config = TRY(parse_image_config(text).context("config {}", manifest.config.digest.str()));
    if (config.diff_ids.size() != manifest.layers.size())
      return Error(ErrorCode::Corrupt, "layers from manifest don't match image configuration");
    return std::move(config.diff_ids);
  }

  /// Each digest once; the results are in the order of `blobs`.
  Result<std::vector<Descriptor>> copy_blobs(const std::vector<Descriptor>& blobs, Change change) {
    std::vector<Descriptor> todo;
    for (const auto& blob : blobs)
      if (!done_.contains({blob.digest, change})) {
        done_.try_emplace({blob.digest, change});
        todo.push_back(blob);
      }
    TRY(copy_all(todo, change));
    std::vector<Descriptor> results;
    for (const auto& blob : blobs) {
      auto result = done_.at({blob.digest, change});
      result.media_type = blob.media_type;
      results.push_back(std::move(result));
    }
    return results;
  }

  Result<void> copy_all(const std::vector<Descriptor>& todo, Change change) {
    std::stop_callback stop(options_.stop, [this] { cancel(); });
    auto copied = for_each_index(
        todo.size(), std::min(kAtOnce, destination_.at_once()),
        [&](std::size_t i) -> Result<void> {
          if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
          auto blob = TRY(copy_blob(todo[i], change));
          std::lock_guard lock(mutex_);
          done_[{todo[i].digest, change}] = std::move(blob);
          return {};
        },
        [this] { cancel(); });
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    return copied;
  }

  void cancel() {
    source_.cancel();
    destination_.cancel();
  }

  Result<Descriptor> copy_blob(const Descriptor& blob, Change change) {
    if (change == Change::None && TRY(is_there(blob))) return blob;
    Descriptor outcome;
    auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      auto stream = TRY(
          BlobStream::open(source_, blob, change, options_.stop,
                           [this, &blob](std::int64_t bytes) { tell(blob, "Copying", bytes); }));
      return std::unique_ptr<ByteSource>(std::make_unique<Watched>(std::move(stream), outcome));
    };
    auto what = [&] { return Descriptor{blob.media_type, outcome.digest, outcome.size}; };
    TRY(destination_.put(open, what).context("blob {}", blob.digest.str()));
    tell(blob, "Copied");
    return what();
  }

  /// Sees to it that the destination has a blob without sending it.
  Result<bool> is_there(const Descriptor& blob) {
    if (TRY(destination_.has(blob))) {
      tell(blob, "Already exists");
      return true;
    }
    auto from = source_.repository();
    if (!from || !TRY(destination_.mount(blob, *from))) return false;
    tell(blob, "Mounted from " + from->path);
    return true;
  }

  void tell(const Descriptor& blob, std::string status, std::int64_t bytes = 0) {
    bool is_progress = bytes > 0;
    if (!options_.events || (is_progress && blob.size == 0)) return;
    std::lock_guard lock(events_mutex_);
    options_.events(
        {short_name(blob.digest), std::move(status), bytes, is_progress ? blob.size : 0});
  }

  Source& source_;
  Destination& destination_;
  const CopyOptions& options_;
  std::map<std::pair<Digest, Change>, Descriptor> done_;  // what has become of a blob
  std::mutex mutex_;                                      // guards done_ while workers run
  std::mutex events_mutex_;                               // one event at a time
};

}  // namespace

Result<Document> choose_image(Source& source, Document root, const Platform& platform) {
  for (int depth = 0; depth <= kMaxNesting; depth++) {
    auto parts = TRY(registry::parse_parts(root.bytes, root.media_type)
                         .context("manifest {}", root.digest.str()));
    if (!parts.is_index) return root;
    auto parsed = TRY(registry::parse_manifest(root.bytes, root.media_type));
    const auto* entry = registry::choose(std::get<registry::Index>(parsed), platform);
    if (entry == nullptr)
      return Error(
          ErrorCode::NotFound,
          fmt::format("no matching manifest for {} in the manifest list entries", platform.str()));
    root = TRY(source.manifest(entry->manifest));
  }
  return Error(ErrorCode::Corrupt, "indexes nest too deeply");
}

Result<Document> copy_image(Source& source, Destination& destination, const CopyOptions& options) {
  auto root = TRY(source.root());
  if (!options.all) root = TRY(choose_image(source, std::move(root), options.platform));
  auto copied = TRY(Copier(source, destination, options).copy(std::move(root), 0));
  TRY(destination.finish(copied));
  return copied;
}

}  // namespace strata::copy
