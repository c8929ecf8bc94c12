#pragma once

#include "container/record.h"
#include "runtime/bundle.h"

namespace strata {

/// Adds to `spec`, made by make_spec(), what hostconfig.json asks for: mounts, capabilities,
/// security options, groups, limits. `root` is the merged view, for names of groups. Host
/// directories of bind mounts are made if absent, as `docker run -v` does.
Result<void> apply_host_config(ContainerSpec& spec, const ContainerRecord& record, int root);

}  // namespace strata
