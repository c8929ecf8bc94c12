#pragma once

#include <string>

#include "store/layer_writer.h"

namespace strata {

/// Records the files of the cache directory `cache_id` as the layer that a commit would make of
/// them, into the new file `split` (tar-split.json.gz). Whether that is the layer which was lost,
/// its digest says: foreign tars and extracted whiteouts do not come out the same.
Result<SealedLayer> record_cache(const Store& store, const std::string& cache_id, UniqueFd split);

}  // namespace strata
