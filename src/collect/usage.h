#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "container/record.h"
#include "store/store.h"

namespace strata {

/// An image, and who needs it.
struct ImageUse {
  ImageConfig config;
  std::optional<ImageID> parent;  // if it is in the store, too
  std::set<ImageID> children;
  std::vector<Reference> names;  // sorted by their full names
};

/// Who needs a layer.
struct LayerUse {
  /// Images of which it is the top, containers, processes that work with it, and the cache of
  /// dockerd's BuildKit.
  int users = 0;
  std::set<ChainID> children;  // that stand on it; a damaged one does not count
};

/// What is used by what in a store, seen at one moment.
struct Usage {
  std::map<ImageID, ImageUse> images;  // those that can be read, as dockerd lists no other
  std::vector<std::pair<ImageID, ImageID>> parents;  // ImageDB::parents()
  std::map<ChainID, LayerUse> layers;       // also damaged ones, if it is known what they stand on
  std::vector<ContainerRecord> containers;  // newest first
  std::map<ImageID, std::string> mounts;    // of `image mount`: one directory of each image
  std::set<ImageID> pinned;                 // some may be gone

  /// docker calls it dangling: nobody needs it, and it has no name.
  static bool is_dangling(const ImageUse& use) { return use.names.empty() && use.children.empty(); }
  /// Only a step on the way to another image.
  static bool is_intermediate(const ImageUse& use) {
    return use.names.empty() && !use.children.empty();
  }

  /// It has been removed, and needs nothing any more. An image gives the layer that it needed.
  std::optional<ChainID> forget_image(ImageID id);
  void forget_layer(const LayerInfo& layer);
};

/// Reads the whole store. `held` are layers that processes work with (Store::begin_removal); empty
/// for those who only look.
Result<Usage> scan_usage(const Store& store, const std::set<Digest>& held);

/// The layer, if it is sound and nobody needs it. Only now is more of it read than what it stands
/// on, and of its children no more than of one that is sound.
Result<std::optional<LayerInfo>> unneeded_layer(const Store& store, const Usage& usage,
                                                ChainID chain);

/// The ChainID on which a container or a child of the image stands; nullopt if it has no layers.
std::optional<ChainID> top_chain(const ImageConfig& config);

}  // namespace strata
