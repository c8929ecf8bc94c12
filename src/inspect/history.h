#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace strata {

/// One row of `history`.
struct HistoryRow {
  std::optional<ImageID> id;  // absent (`<missing>`): the step's image is not in this store
  Time created;
  std::string created_by;
  std::string comment;
  std::int64_t size = 0;  // bytes of the step's layer
};

/// The steps that made an image, newest first, as docker shows them. Steps whose image is on the
/// chain of parents have its ID.
Result<std::vector<HistoryRow>> image_history(const Store& store, const Image& image);

}  // namespace strata
