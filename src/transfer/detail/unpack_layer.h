#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/byte_stream.h"
#include "store/layer_writer.h"
#include "store/store.h"
#include "store/write_behind.h"

namespace strata::transfer::detail {

struct Unpacking {
  std::string name;               // of the layer, for errors
  std::optional<ChainID> below;   // the topmost layer under it that the store has: equal files are
                                  // linked from there
  std::int64_t max_size = 0;      // bytes of the tar; 0: any
  WriteBehind* behind = nullptr;  // borrowed; told of what is unpacked
};

/// Unpacks a blob, compressed or not, into a layer that is not published yet, and reads it to its
/// end. Corrupt, naming the layer, unless it has the DiffID.
Result<LayerWriter> unpack_layer(const Store& store, ByteSource& blob, DiffID wanted,
                                 const Unpacking& how);

}  // namespace strata::transfer::detail
