#pragma once

#include "engine/container_stats.h"
#include "image/json.h"

namespace strata::cli {

/// What templates of `stats` see of a row; all texts, as docker's.
Json stats_row_json(const ContainerStats& row, bool full_ids);

}  // namespace strata::cli
