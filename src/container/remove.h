#pragma once

#include "container/record.h"

namespace strata {

struct RemoveRequest {
  bool force = false;    // kill it if it runs
  bool volumes = false;  // its anonymous volumes too
};

/// Removes a container, in the order that leaves no dangling reference: record, LayerDB mount,
/// writable and init layer, then its volumes. The caller syncs the store.
/// Conflict with docker's text while it runs: `You cannot remove a running container <id>. Stop the
/// container before attempting removal or force remove`.
Result<void> remove_container(const Store& store, const std::string& id,
                              const RemoveRequest& request);

}  // namespace strata
