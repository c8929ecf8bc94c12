#pragma once

#include <cstdint>

#include "store/detail/layer_recorder.h"

namespace strata::detail {

/// Records the tar that dockerd 28 makes of the directory `diff` (docs/store.md, section 7, in the
/// form of 7.4), which is only read. Gives the size of its files, as 2.3 counts.
Result<std::int64_t> record_upper(int diff, LayerRecorder& recorder);

}  // namespace strata::detail
