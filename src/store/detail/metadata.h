#pragma once

#include <string>

#include "base/result.h"
#include "tar/header.h"

namespace strata::detail {

/// How an inode came to be, which says what of its metadata is right already.
enum class Inode : std::uint8_t {
  Plain,  // new: owned by this process, with the permissions of the entry but for the umask
  Other,  // anything may be wrong
};

/// Owner, xattrs, permissions and times of a regular file that has all its content.
Result<void> set_file_metadata(int fd, const tar::Entry& entry, Inode inode);

/// As above by name, for every kind of entry. The times of a directory are left alone.
Result<void> set_metadata(int dir, const std::string& name, const tar::Entry& entry, Inode inode);

/// mtime and, as nothing knows better, atime.
Result<void> set_times(int dir, const std::string& name, const Time& mtime);

}  // namespace strata::detail
