#pragma once

#include <string>

#include "engine/registries.h"
#include "image/config.h"
#include "store/store.h"

namespace strata {

/// pull_images() for an operation that has the store open.
Result<std::string> pull_into(const Store& store, const EngineOptions& engine,
                              const PullRequest& request, const TransferEvents& events);

/// The config of the image that pull_into() would bring.
Result<ImageConfig> remote_config(const EngineOptions& engine, const PullRequest& request);

}  // namespace strata
