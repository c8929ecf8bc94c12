#pragma once

#include <vector>

#include "store/store.h"

namespace strata::detail {

/// Are the names in the directory of a layer those of its tar, and the marks of overlayfs, too?
/// Corrupt with the first that is missing or too much.
Result<void> compare_names(const Store& store, const LayerInfo& layer);

/// Writes the tar of `layer` to the file `out`, with the contents of files that are not what its
/// tar-split says taken from equal files of `others`. How many they were; Corrupt if one has no
/// equal.
Result<std::size_t> assemble_from_others(const Store& store, const LayerInfo& layer,
                                         const std::vector<LayerInfo>& others, int out);

}  // namespace strata::detail
