#pragma once

#include "base/byte_stream.h"
#include "store/detail/layer_recorder.h"
#include "store/detail/tree_writer.h"

namespace strata::detail {

/// Applies a layer tar from outside to `tree`, which must be of Order::Any, and records every byte
/// of the stream. Rules: docs/store.md, 3.5 and 4.4. Errors begin with the entry's name.
Result<void> apply_tar(ByteSource& tar, TreeWriter& tree, LayerRecorder& recorder);

}  // namespace strata::detail
