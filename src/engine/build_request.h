#pragma once

#include <string>
#include <vector>

#include "build/build.h"
#include "engine/build.h"
#include "image/reference.h"

namespace strata {

/// What the user asked for, as the room `build` takes it; files of secrets for git are read. What
/// needs the store or a registry (fetch_image, find_step and the like) is not set. InvalidArgument
/// or NotFound in docker's words.
Result<build::BuildRequest> build_request(const BuildImageRequest& request);

/// The distinct names of -t, in order.
Result<std::vector<Reference>> parse_tags(const std::vector<std::string>& tags);

}  // namespace strata
