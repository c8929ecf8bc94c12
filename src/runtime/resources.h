#pragma once

#include "image/json.h"
#include "runtime/cgroup.h"

namespace strata {

/// The resources object (OCI runtime spec 1.0.2, config-linux.md, without devices) of a new
/// container or, for a running one, of `update`: what is absent in `limits` stays as it is.
Json oci_resources(const ResourceLimits& limits);

}  // namespace strata
