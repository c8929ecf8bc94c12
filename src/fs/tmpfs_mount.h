#pragma once

#include "base/fd.h"

namespace strata {

/// A detached tmpfs (see mount_overlay()), for what must never be on a disk. Its root has mode
/// 0700. Needs CAP_SYS_ADMIN.
Result<UniqueFd> mount_tmpfs();

}  // namespace strata
