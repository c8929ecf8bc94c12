#include "fs/tmpfs_mount.h"

#include <sys/mount.h>

#include <cerrno>

namespace strata {

Result<UniqueFd> mount_tmpfs() {
  UniqueFd config(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!config) return Error::from_errno(errno, "fsopen tmpfs");
  if (::fsconfig(config.get(), FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
      ::fsconfig(config.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return Error::from_errno(errno, "fsconfig tmpfs");
  UniqueFd tree(::fsmount(config.get(), FSMOUNT_CLOEXEC,
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!tree) return Error::from_errno(errno, "fsmount tmpfs");
  return tree;
}

}  // namespace strata
