#pragma once

#include <string>
#include <vector>

#include "collect/prune_filter.h"
#include "collect/usage.h"

namespace strata {

struct RemoveImageRequest {
  bool force = false;         // also if it is pinned, or stopped containers or several names use it
  bool prune_parents = true;  // then its parents, as far as they have no name and no other use
};

/// One thing that a removal did, in the order of docker's lines.
struct RemovedItem {
  enum class Kind : std::uint8_t { Untagged, Deleted } kind = Kind::Untagged;
  std::string text;       // "app:1", "app@sha256:..."; "sha256:..." of an image or a layer
  std::int64_t size = 0;  // bytes of the layer
};
using RemovedItems = std::vector<RemovedItem>;

/// The removal of images with the layers that nobody else needs, by docker's rules. From begin() to
/// finish() no other process removes, publishes or names anything; what processes work with stays.
///
/// The order leaves no dangling reference at any moment: names, `parent` files of children, the
/// config, LayerDB entries (renamed away), all under the lock; then, without it, the files of the
/// layers. A crash leaves at most "...-removing" entries with their caches, which nobody sees.
class ImageRemoval {
 public:
  static Result<ImageRemoval> begin(const Store& store);

  /// By a name: that name, and the image if it was its last one. By an ID: the image with its
  /// names. NotFound `No such image: <text>`; Conflict with docker's texts, `conflict: unable to
  /// delete 1396f78cf382 (must be forced) - image is referenced in multiple repositories`: then
  /// nothing was removed but, as in docker, perhaps the name.
  Result<RemovedItems> remove(const std::string& text, const RemoveImageRequest& request);

  /// All images without a name; with `all` also those with names. Images that a container or a
  /// child needs stay, and so do those that a running build made, and pinned ones.
  Result<RemovedItems> prune(bool all, const PruneFilter& filter);

  /// Removes a layer and those below it, as far as nobody needs them.
  Result<void> release(ChainID chain);

  /// Takes also the layers that earlier removals left to a process which has ended, gives the lock
  /// back, and removes the files of all layers that were removed.
  Result<void> finish();

 private:
  struct Conflict;
  struct CondemnedLayer {
    std::string entry;  // in LayerDB
    std::string cache_id;
  };
  ImageRemoval(const Store& store, Store::Removal removal)
      : store_(&store), removal_(std::move(removal)) {}

  Result<Usage*> usage();
  Result<std::vector<Reference>> names_of(ImageID id) const;
  Result<void> untag(const std::string& text, ImageID id, bool force, RemovedItems& items);
  Result<void> untag(const Reference& name, RemovedItems& items);
  Result<void> remove_by_id(ImageID id, bool force, RemovedItems& items);
  Result<void> remove_image(ImageID id, const RemoveImageRequest& request, bool quiet,
                            RemovedItems& items);
  Result<void> delete_image(ImageID id, RemovedItems& items);
  Result<void> release_leftovers();
  Result<void> delete_layers(std::optional<ChainID> chain, RemovedItems& items);
  Result<std::optional<Conflict>> conflict(ImageID id, bool force, bool look_at_names);
  Result<const ContainerRecord*> container_of(ImageID id, std::optional<bool> running);
  RemovedItems prune_one(ImageID id, bool all);

  const Store* store_;
  std::optional<Store::Removal> removal_;
  std::optional<Usage> usage_;
  std::vector<CondemnedLayer> condemned_;
};

/// What a container stands on, asked while it is there.
struct ContainerBase {
  std::optional<ChainID> chain;
  std::string image;  // "sha256:..."
};
ContainerBase container_base(const Store& store, const ContainerRecord& record);

/// After the container was removed: its image may have been removed before (by force), then it was
/// the last one that needed these layers.
Result<void> release_base(const Store& store, const ContainerBase& base);

}  // namespace strata
