#pragma once

#include "engine/containers.h"
#include "image/json.h"

namespace strata::cli {

/// A row of `ps` as docker's templates see it; nothing is cut if `full`.
Json container_row_json(const ContainerRow& row, bool full, bool size);

}  // namespace strata::cli
