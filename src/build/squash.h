#pragma once

#include <optional>

#include "digest/digest.h"
#include "store/store.h"

namespace strata::build {

/// What `build --squash` makes of a built image, as dockerd's experimental --squash: the layers of
/// `base` (none: no image) and one layer that holds everything above them. The steps stay in the
/// history, without layers, and behind them stands "merge <id> to <base>", or "create new from
/// <id>". A new image each time; `id` itself stays.
Result<ImageID> squash_image(const Store& store, ImageID id, const std::optional<ImageID>& base);

/// Puts the overlayfs directory `layer` over the overlayfs directory `to`, so that both together
/// show what `layer` over `to` shows on `base`, the merged view of all below (-1: nothing is).
/// Files become hard links: both are on one file system.
Result<void> merge_layer(int layer, int to, int base);

}  // namespace strata::build
