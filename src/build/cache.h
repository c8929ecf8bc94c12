#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "build/committer.h"
#include "image/config.h"
#include "store/store.h"

namespace strata::build {

/// docker's build cache: whether a child of `parent` was made by the same step. `probe` is the
/// container_config that the step would get; compared are the members that dockerd 28 compares, and
/// among several hits the latest wins. With no parent, images built here without one are asked.
/// So images that dockerd built are hits for us, and ours for it.
/// With an `epoch` only images that were made with it are hits: the result must not depend on what
/// else was built here.
Result<std::optional<Image>> find_cached(const Store& store, const std::optional<ImageID>& parent,
                                         const RunConfig& probe,
                                         const std::optional<Time>& epoch = {});

/// Configs of a step that is asked for: of the image, and of the container.
struct StepConfigs {
  const RunConfig& image;
  const RunConfig& container;
};

/// docker's --cache-from: whether one of `sources` (loaded or pulled images have no recorded
/// parents) continues the history of `at` with the same step. Then the image of that step, made if
/// it is not the source itself.
Result<std::optional<Image>> find_in_history(const Store& store, std::span<const Image> sources,
                                             const StageImage& at, const StepConfigs& step,
                                             const std::optional<Time>& epoch = {});

/// Whether a child of `parent` was made by any step whose text starts and ends like this: so
/// whether it is worth the while to compute what stands in between.
Result<bool> has_step_like(const Store& store, const std::optional<ImageID>& parent,
                           std::string_view front, std::string_view back);

/// The comparison alone, for tests.
bool same_step(const RunConfig& a, const RunConfig& b);

}  // namespace strata::build
