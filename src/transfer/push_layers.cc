#include "transfer/push_layers.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/byte_stream.h"
#include "base/parallel.h"
#include "base/producer_source.h"
#include "digest/hasher.h"
#include "store/kept_blobs.h"
#include "store/layer_reader.h"
#include "transfer/detail/new_blob.h"
#include "transfer/detail/reporter.h"
#include "transfer/metadata.h"

namespace strata::transfer {
namespace {

using detail::NewBlob;
using detail::Reporter;
using registry::Descriptor;

constexpr std::size_t kUploads = 3;      // layers at once
constexpr std::size_t kMostGuesses = 5;  // digests that a layer may have at the registry
constexpr std::size_t kPiece = std::size_t{256} << 10;  // bytes read from a file at a time

/// Reads a blob that was kept from its start, and tells how far it is.
class KeptBlobSource final : public ByteSource {
 public:
  using Progress = std::function<Result<void>(std::int64_t)>;
  KeptBlobSource(int fd, Progress progress) : file_(fd), progress_(std::move(progress)) {
    (void)::lseek(fd, 0, SEEK_SET);
  }

  Result<std::size_t> read(std::span<char> buffer) override {
    auto n = TRY(file_.read(buffer));
    at_ += static_cast<std::int64_t>(n);
    TRY(progress_(at_));
    return n;
  }

 private:
  FdSource file_;
  Progress progress_;
  std::int64_t at_ = 0;
};

/// A blob that a layer may be had as.
struct Candidate {
  Digest digest;
  std::string repository;  // "docker.io/library/x"; "" if no registry is known to have it
  Compression form = Compression::Gzip;
};

class LayerPush {
 public:
  LayerPush(const Store& store, registry::Repository& repository, const Reference& reference,
            const PushLayersOptions& options, std::vector<LayerInfo> layers,
            std::vector<Descriptor> preferred)
      : store_(store),
        repository_(repository),
        reference_(reference),
        options_(options),
        reporter_(options.events),
        layers_(std::move(layers)),
        preferred_(std::move(preferred)),
        keep_limit_(kept_blob_limit(store.own_dir())),
        blobs_(layers_.size()) {}

  Result<std::vector<Descriptor>> run() {
    find_duplicates();
    // Those on top first, as docker.
    for (auto i = layers_.size(); i-- > 0;) reporter_.tell(name_of(i), "Preparing");
    for (std::size_t n = kUploads; n < todo_.size(); n++)
      reporter_.tell(name_of(todo_[n]), "Waiting");
    auto pushed = for_each_index(
        todo_.size(), kUploads, [this](std::size_t i) { return push(todo_[i]); },
        [this] { stop_all(); });
    shrink_kept_blobs(store_.own_dir(), keep_limit_);
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    TRY(std::move(pushed));
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

  void stop_all() {
    failed_ = true;
    repository_.cancel();
  }

  Result<void> push(std::size_t i) {
    auto candidates = candidates_of(i);
    if (TRY(find_there(i, candidates))) return {};
    for (const auto& candidate : candidates)
      if (TRY(mount(i, candidate))) return {};
    for (const auto& candidate : candidates)
      if (TRY(send_kept(i, candidate))) return {};
    return send_new(i);
  }

  /// The best first: what a kept manifest names, this repository's, the newest.
  std::vector<Candidate> candidates_of(std::size_t i) const {
    std::vector<Candidate> all;
    auto add = [&](const Candidate& candidate) {
      bool known = std::any_of(all.begin(), all.end(), [&](const Candidate& other) {
        return other.digest == candidate.digest && other.repository == candidate.repository;
      });
      if (!known && fits(candidate.form) && all.size() < kMostGuesses) all.push_back(candidate);
    };
    auto known = known_blobs(store_, layers_[i].diff_id);
    std::reverse(known.begin(), known.end());  // newest first
    if (!preferred_.empty()) {
      const auto& blob = preferred_[i];
      std::string repository;
      for (const auto& other : known)
        if (other.digest == blob.digest && repository != reference_.name())
          repository = other.repository;
      add({blob.digest, repository, compression_of(blob.media_type)});
    }
    for (bool here : {true, false})
      for (const auto& blob : known)
        if ((blob.repository == reference_.name()) == here)
          add({blob.digest, blob.repository, form_of_blob(store_, blob.digest)});
    return all;
  }

  /// Whether a layer may be had in that form.
  bool fits(Compression form) const {
    auto wanted = options_.compression.value_or(Compression::Gzip);
    if (form == wanted) return true;
    if (options_.force_compression) return false;
    return options_.oci || form != Compression::Zstd;  // docker's manifests know no zstd
  }

  /// Whether the repository has it under one of the digests that it is known by.
  Result<bool> find_there(std::size_t i, const std::vector<Candidate>& candidates) {
    std::vector<Digest> asked;
    for (const auto& candidate : candidates) {
      if (std::find(asked.begin(), asked.end(), candidate.digest) != asked.end()) continue;
      asked.push_back(candidate.digest);
      auto size = TRY(repository_.blob_size(candidate.digest));
      if (!size) continue;
      reporter_.tell(name_of(i), "Layer already exists");
      TRY(finish(i, candidate, *size));
      return true;
    }
    return false;
  }

  /// Another repository of the same registry may have it.
  Result<bool> mount(std::size_t i, const Candidate& candidate) {
    auto from = Reference::parse_normalized(candidate.repository);
    if (!from || from->domain != reference_.domain || from->path == reference_.path) return false;
    if (!TRY(repository_.mount(candidate.digest, from->path))) return false;
    auto size = TRY(repository_.blob_size(candidate.digest));
    if (!size) return false;
    reporter_.tell(name_of(i), "Mounted from " + from->path);
    TRY(finish(i, candidate, *size));
    return true;
  }

  Result<void> go_on() const {
    if (options_.stop.stop_requested() || failed_) return Error(ErrorCode::Cancelled, "cancelled");
    return {};
  }

  /// What an earlier pull or push has kept. False if there is none, or it is damaged.
  Result<bool> send_kept(std::size_t i, const Candidate& candidate) {
    auto file = open_kept_blob(store_.own_dir(), candidate.digest);
    if (!file) return false;
    std::int64_t size = 0;
    // What lies on a disk may have changed.
    if (TRY(digest_of(file->get(), size)) != candidate.digest) {
      remove_kept_blob(store_.own_dir(), candidate.digest.hex());
      return false;
    }
    auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      return std::unique_ptr<ByteSource>(std::make_unique<KeptBlobSource>(
          file->get(), [this, i, size](std::int64_t at) -> Result<void> {
            reporter_.tell(name_of(i), "Pushing", at, size);
            return go_on();
          }));
    };
    TRY(repository_.upload(open, [&] { return candidate.digest; }));
    reporter_.tell(name_of(i), "Pushed");
    TRY(finish(i, candidate, size));
    return true;
  }

  Result<Digest> digest_of(int fd, std::int64_t& size) const {
    Hasher hasher;
    FdSource source(fd);
    std::vector<char> buffer(kPiece);
    for (;;) {
      TRY(go_on());
      auto n = TRY(source.read(buffer));
      if (n == 0) return hasher.finish();
      hasher.update({buffer.data(), n});
      size += static_cast<std::int64_t>(n);
    }
  }

  Result<void> send_new(std::size_t i) {
    NewBlob blob(store_, keep_limit_);
    auto form = options_.compression.value_or(Compression::Gzip);
    auto open = [&]() -> Result<std::unique_ptr<ByteSource>> {
      TRY(blob.begin());
      return std::unique_ptr<ByteSource>(std::make_unique<ProducerSource>(
          [&](const ByteSink& sink) { return make_blob(i, form, blob, sink); }));
    };
    TRY(repository_.upload(open, [&] { return blob.digest(); }));
    reporter_.tell(name_of(i), "Pushed");
    blob.keep();
    return finish(i, {blob.digest(), "", form}, blob.size());
  }

  Result<void> make_blob(std::size_t i, Compression form, NewBlob& blob, const ByteSink& sink) {
    const auto& layer = layers_[i];
    auto total = TRY(layer_tar_size(store_, layer));
    std::int64_t read = 0;
    auto compressor = make_compressor(form, [&](std::string_view bytes) -> Result<void> {
      blob.add(bytes);
      return sink(bytes);
    });
    TRY(read_layer(store_, layer, [&](std::string_view bytes) -> Result<void> {
      if (auto still = go_on(); !still) return still;
      read += static_cast<std::int64_t>(bytes.size());
      reporter_.tell(name_of(i), "Pushing", read, total);
      return compressor->write(bytes);
    }));
    TRY(compressor->finish());
    blob.end();
    return {};
  }

  Result<void> finish(std::size_t i, const Candidate& blob, std::int64_t size) {
    blobs_[i] = {layer_media_type(options_.oci, blob.form), blob.digest, size};
    auto repository = reference_.name();
    auto hmac = blob_hmac(options_.auth_config, blob.digest, repository);
    remember_form(store_, blob.digest, blob.form);
    (void)remember_blob(store_, layers_[i].diff_id, {blob.digest, repository, hmac});
    return {};
  }

  const Store& store_;
  registry::Repository& repository_;
  const Reference& reference_;
  const PushLayersOptions& options_;
  Reporter reporter_;
  const std::vector<LayerInfo> layers_;
  const std::vector<Descriptor> preferred_;
  const std::int64_t keep_limit_;
  std::vector<Descriptor> blobs_;     // by layer; each written by one worker
  std::vector<std::size_t> todo_;     // different layers, topmost first
  std::atomic<bool> failed_ = false;  // then the others need not go on
};

}  // namespace

Result<std::vector<Descriptor>> push_layers(const Store& store, registry::Repository& repository,
                                            const Reference& reference,
                                            const PushLayersOptions& options,
                                            std::vector<LayerInfo> layers,
                                            std::vector<Descriptor> preferred) {
  return LayerPush(store, repository, reference, options, std::move(layers), std::move(preferred))
      .run();
}

std::string layer_media_type(bool oci, Compression compression) {
  std::string base = oci ? registry::kOciPlainLayer : registry::kDockerPlainLayer;
  if (compression == Compression::None) return base;
  return base + (oci ? '+' : '.') + (compression == Compression::Gzip ? "gzip" : "zstd");
}

Compression compression_of(std::string_view media_type) {
  if (media_type.ends_with("zstd")) return Compression::Zstd;
  if (media_type.ends_with(".tar")) return Compression::None;
  return Compression::Gzip;
}

}  // namespace strata::transfer
