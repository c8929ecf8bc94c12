#include "store/layer_reader.h"

#include "digest/background_hasher.h"
#include "tar/header.h"
#include "tar/split.h"

namespace strata {

namespace {

/// Opens the files of a layer. Neighbours in an archive mostly stand in one directory, which stays
/// open: a look-up of one name costs less than one of the whole path.
class LayerFiles {
 public:
  explicit LayerFiles(UniqueFd diff) : diff_(std::move(diff)) {}

  /// Links on the way are followed as dockerd does when it extracts, but never out of the layer.
  Result<UniqueFd> open(const std::string& raw_name) {
    auto path = TRY(tar::clean_name(raw_name));
    auto slash = path.rfind('/');
    if (slash == std::string::npos || !enter(path.substr(0, slash))) return open_whole(path);
    // One name that is neither ".." nor a link cannot lead anywhere else.
    int fd = ::openat(directory_.get(), path.c_str() + slash + 1, kFlags | O_CLOEXEC);
    return fd >= 0 ? Result<UniqueFd>(UniqueFd(fd)) : open_whole(path);
  }

 private:
  static constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

  /// With the error that tells what is wrong, if something is.
  Result<UniqueFd> open_whole(const std::string& path) const {
    return open_in_root(diff_.get(), path, Resolve::InRoot, kFlags);
  }

  bool enter(std::string directory) {
    if (directory_ && directory == name_) return true;
    auto there = open_in_root(diff_.get(), directory, Resolve::InRoot, O_PATH | O_DIRECTORY);
    if (!there) return false;
    directory_ = *std::move(there);
    name_ = std::move(directory);
    return true;
  }

  UniqueFd diff_;
  UniqueFd directory_;
  std::string name_;  // of it, below diff_
};

}  // namespace

Result<void> read_layer(const Store& store, const LayerInfo& layer, const ByteSink& sink) {
  auto file = TRY(store.layers().open_split(layer.chain_id));
  LayerFiles files(TRY(store.caches().open_diff(layer.cache_id)));
  auto open_file = [&](const std::string& name) { return files.open(name); };
  BackgroundHasher hasher;
  auto hashed = [&](std::string_view bytes) -> Result<void> {
    TRY(sink(bytes));
    hasher.take(bytes.size());
    return {};
  };
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  TRY(tar::assemble(split, open_file, hashed, [&] {
        return hasher.room();
      }).context("layer {}", layer.chain_id.str()));
  if (hasher.finish() != layer.diff_id.digest())
    return Error(ErrorCode::Corrupt, fmt::format("layer {}: its tar does not have the digest {}",
                                                 layer.chain_id.str(), layer.diff_id.str()));
  return {};
}

Result<std::int64_t> layer_tar_size(const Store& store, const LayerInfo& layer) {
  auto file = TRY(store.layers().open_split(layer.chain_id));
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  std::int64_t size = 0;
  while (auto entry = TRY(split.next().context("layer {}", layer.chain_id.str()))) {
    auto part = entry->kind == tar::SplitEntry::Kind::File
                    ? entry->size
                    : static_cast<std::int64_t>(entry->bytes.size());
    if (__builtin_add_overflow(size, part, &size))
      return Error(ErrorCode::Corrupt,
                   fmt::format("layer {}: its tar is too large", layer.chain_id.str()));
  }
  return size;
}

}  // namespace strata
