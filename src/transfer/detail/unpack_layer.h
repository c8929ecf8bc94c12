#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_stream.h"
#include "store/layer_writer.h"
#include "store/store.h"

namespace strata::transfer::detail {

/// Unpacks a blob, compressed or not, into a layer that is not published yet, and reads it to its
/// end. Corrupt, naming the layer by `name`, unless it has the DiffID. `below`: the topmost layer
/// under it that the store has; equal files are linked from there. `max_size`: bytes of the tar; 0:
/// any.
Result<LayerWriter> unpack_layer(const Store& store, ByteSource& blob, DiffID wanted,
                                 const std::optional<ChainID>& below, std::int64_t max_size,
                                 const std::string& name);

}  // namespace strata::transfer::detail
