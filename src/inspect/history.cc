#include "inspect/history.h"

#include <algorithm>

namespace strata {

Result<std::vector<HistoryRow>> image_history(const Store& store, const Image& image) {
  auto layers = TRY(store.layers().stack(image.config.diff_ids));
  std::vector<HistoryRow> rows;
  std::size_t layer = 0;
  for (const auto& entry : image.config.history) {
    HistoryRow row;
    row.created = entry.created;
    row.created_by = entry.created_by;
    row.comment = entry.comment;
    if (!entry.empty_layer && layer < layers.size()) row.size = layers[layer++].size;
    rows.push_back(std::move(row));
  }
  std::reverse(rows.begin(), rows.end());
  std::optional<ImageID> id = image.id;
  for (auto row = rows.begin(); row != rows.end() && id; ++row) {
    row->id = id;
    id = store.images().parent(*id);
    if (id && !store.images().contains(*id)) break;
  }
  return rows;
}

}  // namespace strata
