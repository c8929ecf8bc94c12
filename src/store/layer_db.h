#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/temp_dir.h"
#include "digest/digest.h"

namespace strata {

class Unsynced;
namespace detail {
class LayerChildren;
}

/// One read-only layer, as its directory in layerdb describes it.
struct LayerInfo {
  ChainID chain_id;
  DiffID diff_id;
  std::optional<ChainID> parent;  // absent for a bottom layer
  std::int64_t size = 0;          // bytes, as docs/store.md 2.3 counts them
  std::string cache_id;           // its directory in overlay2/
};

/// The two cache directories of a container (docs/store.md, 2.6).
struct ContainerMount {
  std::string mount_id;           // writable layer
  std::string init_id;            // "<mount_id>-init"; empty if there is none
  std::optional<ChainID> parent;  // the image's top layer
};

/// ROOT/image/overlay2/layerdb. A layer appears by rename of its complete directory and is found
/// under its ChainID. Format: docs/store.md, section 2. Any thread, any process.
class LayerDB {
 public:
  /// At most so many layers may stand on one chain (docker: "max depth exceeded").
  static constexpr std::size_t kMaxDepth = 125;

  explicit LayerDB(UniqueFd dir);
  ~LayerDB();

  /// From now on every layer that is published is noted there before. Borrowed. `note` is told the
  /// path below ROOT of all that is temporary, before it comes to be.
  using Note = std::function<Result<void>(const std::string& path)>;
  void note_in(const Unsynced& unsynced, Note note) {
    unsynced_ = &unsynced;
    note_ = std::move(note);
  }

  /// NotFound if there is no such layer, Corrupt if one of its small files is damaged.
  Result<LayerInfo> get(ChainID id) const;
  bool contains(ChainID id) const;
  /// Only that, from one small file.
  Result<std::int64_t> size(ChainID id) const;
  /// All sound layers, in the order of their ChainIDs; damaged ones are left out, as dockerd does.
  Result<std::vector<LayerInfo>> list() const;
  /// Every layer with the one that it stands on, from one small file each. What else there is of
  /// them is not looked at; those of which that file is damaged are left out.
  Result<std::vector<std::pair<ChainID, std::optional<ChainID>>>> parents() const;
  /// The layers of an image, bottom first. NotFound names the first that is missing.
  Result<std::vector<LayerInfo>> stack(const std::vector<DiffID>& diff_ids) const;
  /// At most `count` of the layers that stand on `parent` (without one: of the bottom layers),
  /// newest first. All parents are read once, when this is first asked; what other processes
  /// publish after that is left out.
  Result<std::vector<LayerInfo>> newest_on(const std::optional<ChainID>& parent,
                                           std::size_t count) const;
  /// The open tar-split.json.gz of a layer.
  Result<UniqueFd> open_split(ChainID id) const;

  /// A new directory in layerdb/tmp to collect a layer's files in (method S).
  Result<TempDir> begin() const;
  /// Writes diff, size, cache-id and parent beside the tar-split in `files` and renames it into
  /// place. Conflict if the ChainID exists.
  Result<void> publish(TempDir files, const LayerInfo& layer) const;
  /// Takes the entry away in two steps, for the cache to be removed between them: condemn() renames
  /// it to "...-removing", whose name it gives, and remove_condemned() removes that.
  Result<std::string> condemn(ChainID id) const;
  Result<void> remove_condemned(const std::string& name) const;
  /// Both steps. The cache is the caller's to remove.
  Result<void> remove(ChainID id) const;

  Result<ContainerMount> mount(const std::string& container) const;
  Result<std::vector<std::string>> mounts() const;  // names: container IDs
  Result<void> add_mount(const std::string& container, const ContainerMount& mount) const;
  Result<void> remove_mount(const std::string& container) const;

 private:
  UniqueFd dir_;
  const Unsynced* unsynced_ = nullptr;
  Note note_;
  std::unique_ptr<detail::LayerChildren> children_;
};

}  // namespace strata
