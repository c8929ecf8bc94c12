#pragma once

#include "base/result.h"

namespace strata {

/// Copies all that lies below the directory fd `source` into the empty directory `target`: content
/// (shared where the file system can, holes kept), owners, modes, times, xattrs, hard links,
/// whiteouts and opaque marks; of overlayfs' other marks nothing. Sockets are left out. The mode,
/// owner and times of the root itself are not touched.
/// The source may change meanwhile: names that vanish are passed over.
Result<void> copy_tree(int source, int target);

/// Gives the directory `target` itself the owner, mode, xattrs and times of the directory `source`.
Result<void> copy_root_metadata(int source, int target);

}  // namespace strata
