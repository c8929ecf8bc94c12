#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/client.h"

namespace strata::transfer {

/// What a cache that builds share knows of one step (docs/build-cache.md): the key says everything
/// that decides about the step, the layer is what it made. A key is 64 hex digits.
struct StepEntry {
  std::string key;
  std::optional<DiffID> layer;               // none: it changed nothing
  std::optional<registry::Descriptor> blob;  // of the layer
};

/// The key by which a cache knows a step: a build's own, and the platform.
std::string shared_key(std::string_view key);

/// The manifest that stands for an entry.
registry::Document encode_step(const StepEntry& entry);
/// Reads one that may come from anyone. Corrupt unless it is one for `key`.
Result<StepEntry> parse_step(std::string_view bytes, const std::string& key);

/// The empty JSON object, which is every such manifest's config.
inline constexpr std::string_view kEmptyConfig = "{}";

/// The names of annotations. Layers of an image that has its cache with it (type=inline) have both,
/// its manifest the list of keys of steps that changed nothing.
inline constexpr const char* kStepKey = "io.strata.step.key";
inline constexpr const char* kStepDiffID = "io.strata.step.diffid";
inline constexpr const char* kStepsUnchanged = "io.strata.steps.unchanged";  // with commas between

/// What an image's manifest says of steps; nothing if it says nothing.
std::vector<StepEntry> parse_inline_steps(std::string_view manifest);
/// A manifest with that in it. `steps`: of the image's layers, by index, and behind them those
/// without a layer; the blobs are the manifest's.
struct InlineStep {
  std::string key;
  std::optional<std::size_t> layer;  // index
  std::optional<DiffID> diff_id;
};
Result<registry::Document> with_inline_steps(const registry::Document& manifest,
                                             const std::vector<InlineStep>& steps);

}  // namespace strata::transfer
