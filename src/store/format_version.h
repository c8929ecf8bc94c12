#pragma once

#include "base/result.h"

namespace strata {

/// ROOT/strata/version: the number of the format of what Strata keeps for itself below ROOT/strata.
/// It goes up when an older Strata would do harm there. A store without the file is of version 1.
inline constexpr int kFormatVersion = 1;

/// Unsupported if the store is of a newer version than this program knows; false if the file is not
/// there, or empty. `own_dir` is ROOT/strata.
Result<bool> check_format_version(int own_dir);
/// Writes the file.
Result<void> write_format_version(int own_dir);

}  // namespace strata
