#pragma once

#include "base/producer_source.h"

namespace strata::transfer::detail {

using strata::ProducerSource;

}  // namespace strata::transfer::detail
