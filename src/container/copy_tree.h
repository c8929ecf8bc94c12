#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "runtime/user.h"

namespace strata {

/// Copies all that lies below the directory fd `source` into the empty directory `target`: content
/// (shared where the file system can, holes kept), owners, modes, times, xattrs, hard links,
/// whiteouts and opaque marks; of overlayfs' other marks nothing. Sockets are left out. The mode,
/// owner and times of the root itself are not touched.
/// The source may change meanwhile: names that vanish are passed over.
Result<void> copy_tree(int source, int target);

/// What `cp` does on the way.
struct CopyRules {
  std::optional<Owner> owner;  // of everything that is written; none: the source's stays
};

/// Copies the file or directory `name` of the directory fd `from` to the name `as` in the directory
/// fd `to`, with all below it; "." stands for `from` or `to` itself. What exists there is merged
/// with as docker's cp does: directories stay and get the new metadata, other files are replaced.
/// Conflict `cannot overwrite directory "x" with non-directory "y"` and the reverse.
Result<void> copy_into(int from, const std::string& name, int to, const std::string& as,
                       const CopyRules& rules);

/// Gives the directory `target` itself the owner, mode, xattrs and times of the directory `source`.
Result<void> copy_root_metadata(int source, int target);

}  // namespace strata
