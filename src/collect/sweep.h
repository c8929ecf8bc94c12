#pragma once

#include "store/store.h"

namespace strata {

/// Removes what commands that were killed have left: layers that nothing uses, "...-removing"
/// entries, write sets, metadata of images that are gone, cache directories that nothing names, and
/// links that lead nowhere. The store must be ours alone (Store::take_alone): a directory that is
/// just being filled looks the same. Gives the bytes on disk that this freed.
Result<std::int64_t> sweep(const Store& store);

}  // namespace strata
