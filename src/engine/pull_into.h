#pragma once

#include <string>

#include "engine/registries.h"
#include "store/store.h"

namespace strata {

/// pull_images() for an operation that has the store open.
Result<std::string> pull_into(const Store& store, const EngineOptions& engine,
                              const PullRequest& request, const TransferEvents& events);

}  // namespace strata
