#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "check/check.h"

namespace strata {

/// The layers and configs of an archive or a layout, for `strata check --from`. `store` only lends
/// the place for a copy of what cannot be read in place.
Result<std::unique_ptr<Donor>> open_archive_donor(const Store& store, const std::string& path,
                                                  const std::stop_token& stop);

}  // namespace strata
