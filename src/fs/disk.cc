#include "fs/disk.h"

#include <sys/statvfs.h>

namespace strata {

std::optional<std::int64_t> file_system_size(int fd) {
  struct statvfs fs = {};
  if (::fstatvfs(fd, &fs) < 0) return std::nullopt;
  return static_cast<std::int64_t>(fs.f_blocks) * static_cast<std::int64_t>(fs.f_frsize);
}

}  // namespace strata
