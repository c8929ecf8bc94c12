#pragma once

#include <optional>
#include <string_view>

#include "image/config.h"
#include "store/store.h"

namespace strata::build {

/// docker's build cache: whether a child of `parent` was made by the same step. `probe` is the
/// container_config that the step would get; compared are the members that dockerd 28 compares, and
/// among several hits the latest wins. With no parent, images built here without one are asked.
/// So images that dockerd built are hits for us, and ours for it.
Result<std::optional<Image>> find_cached(const Store& store, const std::optional<ImageID>& parent,
                                         const RunConfig& probe);

/// Whether a child of `parent` was made by any step whose text starts and ends like this: so
/// whether it is worth the while to compute what stands in between.
Result<bool> has_step_like(const Store& store, const std::optional<ImageID>& parent,
                           std::string_view front, std::string_view back);

/// The comparison alone, for tests.
bool same_step(const RunConfig& a, const RunConfig& b);

}  // namespace strata::build
