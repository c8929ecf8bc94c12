#include "archive/load.h"

#include <sys/resource.h>

#include <map>

#include "base/io.h"
#include "compress/detect.h"
#include "digest/hasher.h"
#include "store/image_notes.h"
#include "store/layer_writer.h"
#include "store/write_behind.h"

namespace strata::archive {
namespace {

constexpr const char* kLimitName = "the layer without compression (--max-layer-size)";

/// A member's bytes as they are in the archive: hashed, counted, and ended when the user asks.
class WatchedSource final : public ByteSource {
 public:
  WatchedSource(ByteSource& source, const LoadOptions& options, std::int64_t& bytes)
      : source_(source), options_(options), bytes_(bytes) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (options_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    std::size_t n = TRY(source_.read(buffer));
    if (hash_) hasher_.update(buffer.data(), n);
    bytes_ += static_cast<std::int64_t>(n);
    if (options_.progress) options_.progress(bytes_);
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
  const LoadOptions& options_;
  std::int64_t& bytes_;
  Hasher hasher_;
  bool hash_ = false;
};

class Loader {
 public:
  Loader(const Store& store, const Members& members, const LoadOptions& options,
         WriteBehind& behind)
      : store_(store), members_(members), options_(options), behind_(behind) {}

  /// Unpacks the layers of an image that are not there yet, and verifies them.
  Result<void> prepare(const ArchivedImage& image) {
    auto chain = chain_ids(image.parsed.diff_ids);
    std::optional<ChainID> below;  // the topmost that the store has
    for (std::size_t i = 0; i < chain.size(); i++) {
      if (store_.layers().contains(chain[i])) {
        below = chain[i];
      } else if (!sealed_.contains(chain[i])) {
        auto writer = TRY(unpack(image.layers[i], image.parsed.diff_ids[i], below));
        sealed_.emplace(chain[i], std::move(writer));
      }
    }
    return {};
  }

  Result<void> publish_layers(const ArchivedImage& image) {
    std::optional<ChainID> parent;
    for (auto id : chain_ids(image.parsed.diff_ids)) {
      if (auto writer = sealed_.find(id); writer != sealed_.end()) {
        TRY(writer->second.publish(parent));
        sealed_.erase(writer);
      }
      parent = id;
    }
    return {};
  }

 private:
  Result<LayerWriter> unpack(const ArchivedLayer& layer, DiffID wanted,
                             const std::optional<ChainID>& below) {
    auto member = members_.open(layer.member);
    if (!member && member.error().code() == ErrorCode::NotFound)
      return Error(ErrorCode::NotFound,
                   fmt::format("{}: layer {} is neither in the archive nor in the store",
                               layer.member, wanted.str()));
    if (!member) return std::move(member).error();
    return apply(**member, layer, wanted, below).context("{}", layer.member);
  }

  Result<LayerWriter> apply(ByteSource& member, const ArchivedLayer& layer, DiffID wanted,
                            const std::optional<ChainID>& below) {
    WatchedSource watched(member, options_, bytes_);
    if (layer.blob) watched.hash();
    auto plain = TRY(decompress(watched));
    // Where it stands is known when it is published; until then it needs nothing below it.
    auto donors = TRY(donors_on(below));
    auto writer = TRY(LayerWriter::create(store_, LayerBase(), std::move(donors)));
    LimitedSource limited(*plain, options_.max_layer_size, kLimitName);
    WrittenBehind written(limited, &behind_);
    TRY(writer.add_tar(written));
    auto sealed = TRY(writer.seal());
    if (layer.blob) {
      auto digest = TRY(watched.digest());
      if (digest != *layer.blob)
        return Error(ErrorCode::Corrupt,
                     fmt::format("expected digest {}, got {}", layer.blob->str(), digest.str()));
    }
    if (sealed.diff_id != wanted)
      return Error(ErrorCode::Corrupt, fmt::format("invalid diffID: expected {}, got {}",
                                                   wanted.str(), sealed.diff_id.str()));
    return writer;
  }

  /// Looked for once: nothing is published before all is unpacked.
  Result<std::vector<DonorLayer>> donors_on(const std::optional<ChainID>& below) {
    auto known = donors_.find(below);
    if (known == donors_.end())
      known = donors_.emplace(below, TRY(find_donors(store_, below))).first;
    std::vector<DonorLayer> donors;
    for (const auto& donor : known->second)
      donors.push_back({donor.cache_id, donor.parent, TRY(duplicate(donor.diff.get()))});
    return donors;
  }

  const Store& store_;
  const Members& members_;
  const LoadOptions& options_;
  WriteBehind& behind_;
  std::map<std::optional<ChainID>, std::vector<DonorLayer>> donors_;
  std::map<ChainID, LayerWriter> sealed_;
  std::int64_t bytes_ = 0;
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
  for (const auto& image : images) TRY(loader.prepare(image));
  for (const auto& image : images) TRY(loader.publish_layers(image));
  TRY(put_images(store, images));
  const auto names = names_of(images);
  auto prepared = TRY(behind.sync_with(names));
  return set_names(store, images, names, std::move(prepared));
}

}  // namespace strata::archive
