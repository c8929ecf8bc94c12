#pragma once

#include <string_view>

#include "engine/events.h"

namespace strata {

/// A pinned image is removed by `rmi --force` alone, and keeps its names in a prune. What is pinned
/// is the image, not the name: if the name goes to another image, the old one stays without it.
/// Pinning twice is no error. NotFound: "No such image: x".
Result<void> pin_image(const EngineOptions& engine, std::string_view name);

/// Takes the pin away; of an image that has none, too. NotFound: "No such image: x".
Result<void> unpin_image(const EngineOptions& engine, std::string_view name);

}  // namespace strata
