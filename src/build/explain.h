#pragma once

#include <optional>
#include <string>

#include "image/config.h"
#include "store/store.h"

namespace strata::build {

/// Why docker's cache had no image for a step.
struct CacheMiss {
  /// The first input that differs, by name: "variable A: was 1, is 2".
  std::string reason;
  /// The result of an earlier COPY or ADD that differs in what its sources hold and in nothing
  /// else: which file it is has to be looked up in it.
  std::optional<Image> other_files;
};

/// Compares the step with the most similar one that was built on top of `parent`. Only for a step
/// that find_cached() did not find. Reads the configs of that image's children; if there are none,
/// of all images.
Result<CacheMiss> explain_miss(const Store& store, const std::optional<ImageID>& parent,
                               const RunConfig& probe);

/// The first difference of two configs of steps, by name; empty if there is none.
std::string first_difference(const RunConfig& was, const RunConfig& is);

}  // namespace strata::build
