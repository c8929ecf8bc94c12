#pragma once

#include <vector>

#include "store/store.h"

namespace strata {

/// Removes what dead processes were at: caches, write sets and other temporary files that their
/// leases name, unless they were published meanwhile. Layers that they published are noted as
/// leftovers. Found without a scan of the store; in all other cases it costs a look into a
/// directory.
Result<void> reclaim_dead(const Store& store);

/// Layers that may be needed by nobody: their process died, or worked with them while their last
/// image was removed. ROOT/strata/leftovers/<hex of the ChainID>. Whoever removes something looks
/// at them, under the lock for removal (ImageRemoval::finish).
Result<void> note_leftover(const Store& store, ChainID chain);
void forget_leftover(const Store& store, ChainID chain);
/// None if there is no such directory, which is the rule.
Result<std::vector<ChainID>> leftovers(const Store& store);

}  // namespace strata
