#include "archive/load.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "base/io.h"
#include "base/parallel.h"
#include "compress/detect.h"
#include "digest/hasher.h"
#include "store/image_notes.h"
#include "store/layer_writer.h"
#include "store/write_behind.h"

namespace strata::archive {
namespace {

constexpr const char* kLimitName = "the layer without compression (--max-layer-size)";

/// How far the layers have been read, by all threads; and whether any of them is to go on.
class Reading {
 public:
  explicit Reading(const LoadOptions& options) : options_(options) {}

  Result<void> check() const {
    if (has_failed_ || options_.stop.stop_requested())
      return Error(ErrorCode::Cancelled, "cancelled");
    return {};
  }
  void fail() { has_failed_ = true; }
  void add(std::size_t bytes) {
    if (!options_.progress) return;
    std::lock_guard lock(mutex_);
    bytes_ += static_cast<std::int64_t>(bytes);
    options_.progress(bytes_);
  }

 private:
  const LoadOptions& options_;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;  // guards what follows, and the calls of progress
  std::int64_t bytes_ = 0;
};

/// A member's bytes as they are in the archive: hashed, counted, and ended when the user asks.
class WatchedSource final : public ByteSource {
 public:
  WatchedSource(ByteSource& source, Reading& reading) : source_(source), reading_(reading) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    TRY(reading_.check());
    std::size_t n = TRY(source_.read(buffer));
    if (hash_) hasher_.update(buffer.data(), n);
    reading_.add(n);
    return n;
  }

  void hash() { hash_ = true; }
  /// Of all bytes up to the end, which are read now.
  Result<Digest> digest() {
    std::vector<char> rest(std::size_t{64} << 10);
    while (TRY(read(rest)) > 0) {
    }
    return hasher_.finish();
  }

 private:
  ByteSource& source_;
  Reading& reading_;
  Hasher hasher_;
  bool hash_ = false;
};

/// The layers of an archive on their way into the store. Each is unpacked by itself: where it
/// stands is known when it is published; until then it needs nothing below it.
class Loader {
 public:
  Loader(const Store& store, const Members& members, const LoadOptions& options,
         WriteBehind& behind)
      : store_(store),
        members_(members),
        behind_(behind),
        max_layer_size_(options.max_layer_size),
        stop_(options.stop),
        reading_(options) {}

  /// Unpacks the layers of the images that are not there yet, and verifies them. Each that is under
  /// way needs a few MiB of memory and three threads.
  Result<void> prepare(const std::vector<ArchivedImage>& images) {
    for (const auto& image : images) TRY(plan(image));
    auto threads = std::min<std::size_t>(processors(), members_.at_once());
    std::stop_callback stop(stop_, [this] { members_.cancel(); });
    auto unpacked = for_each_index(
        layers_.size(), threads, [this](std::size_t i) { return unpack(layers_[i]); },
        [this] {
          reading_.fail();
          members_.cancel();
        });
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    return unpacked;
  }

  Result<void> publish_layers(const ArchivedImage& image) {
    std::optional<ChainID> parent;
    for (auto id : chain_ids(image.parsed.diff_ids)) {
      if (auto at = by_chain_.find(id); at != by_chain_.end()) {
        auto& writer = layers_[at->second].writer;
        if (writer) TRY(writer->publish(parent));
        writer.reset();
      }
      parent = id;
    }
    return {};
  }

 private:
  struct NewLayer {
    const ArchivedLayer& archived;
    DiffID wanted;
    std::optional<ChainID> below;       // the topmost that the store has
    std::optional<LayerWriter> writer;  // from unpack() to publish_layers(); by one thread
  };

  Result<void> plan(const ArchivedImage& image) {
    auto chain = chain_ids(image.parsed.diff_ids);
    std::optional<ChainID> below;
    for (std::size_t i = 0; i < chain.size(); i++) {
      if (store_.layers().contains(chain[i])) {
        below = chain[i];
      } else if (by_chain_.emplace(chain[i], layers_.size()).second) {
        layers_.push_back({image.layers[i], image.parsed.diff_ids[i], below, {}});
        // Looked for once: nothing is published before all is unpacked.
        if (!donors_.contains(below)) donors_.emplace(below, TRY(find_donors(store_, below)));
      }
    }
    return {};
  }

  Result<void> unpack(NewLayer& layer) {
    TRY(reading_.check());
    const auto& name = layer.archived.member;
    auto member = members_.open(name);
    if (!member && member.error().code() == ErrorCode::NotFound)
      return Error(ErrorCode::NotFound,
                   fmt::format("{}: layer {} is neither in the archive nor in the store", name,
                               layer.wanted.str()));
    if (!member) return std::move(member).error();
    return apply(**member, layer).context("{}", name);
  }

  Result<void> apply(ByteSource& member, NewLayer& layer) {
    WatchedSource watched(member, reading_);
    const auto& blob = layer.archived.blob;
    if (blob) watched.hash();
    auto plain = TRY(decompress(watched));
    auto donors = TRY(donors_on(layer.below));
    auto writer = TRY(LayerWriter::create(store_, LayerBase(), std::move(donors)));
    LimitedSource limited(*plain, max_layer_size_, kLimitName);
    WrittenBehind written(limited, &behind_);
    TRY(writer.add_tar(written));
    auto sealed = TRY(writer.seal());
    if (blob) {
      auto digest = TRY(watched.digest());
      if (digest != *blob)
        return Error(ErrorCode::Corrupt,
                     fmt::format("expected digest {}, got {}", blob->str(), digest.str()));
    }
    if (sealed.diff_id != layer.wanted)
      return Error(ErrorCode::Corrupt, fmt::format("invalid diffID: expected {}, got {}",
                                                   layer.wanted.str(), sealed.diff_id.str()));
    layer.writer = std::move(writer);
    return {};
  }

  Result<std::vector<DonorLayer>> donors_on(const std::optional<ChainID>& below) const {
    std::vector<DonorLayer> donors;
    for (const auto& donor : donors_.at(below))
      donors.push_back({donor.cache_id, donor.parent, TRY(duplicate(donor.diff.get()))});
    return donors;
  }

  const Store& store_;
  const Members& members_;
  WriteBehind& behind_;
  const std::int64_t max_layer_size_;
  const std::stop_token stop_;
  Reading reading_;
  std::vector<NewLayer> layers_;
  std::map<ChainID, std::size_t> by_chain_;  // their indexes
  std::map<std::optional<ChainID>, std::vector<DonorLayer>> donors_;
};

/// Every unpacked layer keeps a few descriptors until all are published.
void raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What is there already must not be removed while we count on it.
Result<void> hold_parts(const Store& store, const std::vector<ArchivedImage>& images) {
  std::vector<std::pair<ImageID, std::vector<ChainID>>> parts;
  for (const auto& image : images) parts.emplace_back(image.id, chain_ids(image.parsed.diff_ids));
  return store.hold_all(parts);
}

/// The images, which come last; and a note of use of those that were there already. A new one's own
/// file says when it came.
Result<void> put_images(const Store& store, const std::vector<ArchivedImage>& images) {
  for (const auto& image : images) {
    bool is_known = store.images().contains(image.id);
    TRY(store.images().put(image.config, image.parent, /*built_locally=*/false));
    if (is_known) ImageNotes(store.own_dir()).note_use(image.id);
  }
  return {};
}

References::Names names_of(const std::vector<ArchivedImage>& images) {
  References::Names names;
  for (const auto& image : images)
    for (const auto& reference : image.names) names.emplace_back(reference, image.id);
  return names;
}

Result<std::vector<LoadedImage>> set_names(const Store& store,
                                           const std::vector<ArchivedImage>& images,
                                           const References::Names& names,
                                           std::optional<References::Prepared> prepared) {
  auto kept = TRY(store.keep_all());
  for (const auto& image : images)
    if (!store.images().contains(image.id))
      return Error(ErrorCode::Conflict,
                   fmt::format("image {} was removed meanwhile", image.id.str()));
  auto before = TRY(store.references().set_all(names, prepared ? &*prepared : nullptr));
  std::vector<LoadedImage> loaded;
  std::size_t at = 0;
  for (const auto& image : images) {
    loaded.push_back({image.id, image.names, {}});
    for (const auto& reference : image.names) {
      const auto& old = before[at++];
      if (old && *old != image.id) loaded.back().renamed.emplace_back(reference, *old);
    }
  }
  return loaded;
}

}  // namespace

Result<std::vector<LoadedImage>> load_images(const Store& store, const Members& members,
                                             const std::vector<ArchivedImage>& images,
                                             const LoadOptions& options) {
  raise_file_limit();
  TRY(hold_parts(store, images));
  WriteBehind behind(store, options.lazy);
  Loader loader(store, members, options, behind);
  TRY(loader.prepare(images));
  for (const auto& image : images) TRY(loader.publish_layers(image));
  TRY(put_images(store, images));
  const auto names = names_of(images);
  auto prepared = TRY(behind.sync_with(names));
  return set_names(store, images, names, std::move(prepared));
}

}  // namespace strata::archive
