#pragma once

#include "base/byte_stream.h"
#include "store/store.h"

namespace strata {

/// Gives the tar of a layer byte for byte as it came, rebuilt from its tar-split and its files
/// (docs/store.md, 4.3). Corrupt, after a part of it or all has gone out, if a file is not what it
/// was or the whole has not the DiffID. One pass; memory does not depend on the layer's size.
Result<void> read_layer(const Store& store, const LayerInfo& layer, const ByteSink& sink);

/// The size of that tar, in bytes, from its tar-split alone.
Result<std::int64_t> layer_tar_size(const Store& store, const LayerInfo& layer);

}  // namespace strata
