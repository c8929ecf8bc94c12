#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

#include "base/result.h"

namespace strata {

/// Deletion marks of overlayfs on disk (docs/store.md, section 3.5; Linux,
/// Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories").

/// The directory hides everything below it in lower layers if this has the value "y".
inline constexpr const char* kOpaqueXattr = "trusted.overlay.opaque";

/// A character device 0:0: this name is deleted.
inline bool is_whiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

/// Makes the whiteout `name` in the directory fd `dir`. Conflict if the name exists.
Result<void> make_whiteout(int dir, const std::string& name);

/// Is the directory `name` in `dir` opaque? `name` is "" for `dir` itself. A file system without
/// xattrs has no opaque directories.
Result<bool> is_opaque(int dir, const std::string& name);

Result<void> set_opaque(int dir, const std::string& name);

}  // namespace strata
