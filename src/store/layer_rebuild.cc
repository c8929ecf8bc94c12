#include "store/layer_rebuild.h"

#include "store/detail/layer_recorder.h"
#include "store/detail/record_upper.h"

namespace strata {

Result<SealedLayer> record_cache(const Store& store, const std::string& cache_id, UniqueFd split) {
  auto diff = TRY(store.caches().open_diff(cache_id));
  detail::LayerRecorder recorder(std::move(split));
  SealedLayer layer;
  layer.size = TRY(detail::record_upper(diff.get(), recorder));
  layer.diff_id = DiffID(TRY(recorder.finish()));
  return layer;
}

}  // namespace strata
