#pragma once

#include "container/record.h"

namespace strata {

/// hostconfig.json as `docker create` of 20 writes it: all keys in its order.
Json host_config_json(const HostConfig& host);

/// Reads it as tolerantly as dockerd: what is missing or of another type has its default.
HostConfig host_config_from_json(const Json& json);

}  // namespace strata
