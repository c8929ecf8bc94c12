#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tar/header.h"

namespace strata::detail {

/// How an inode came to be, which says what of its metadata is right already.
enum class Inode : std::uint8_t {
  Plain,  // new: owned by this process, with the permissions of the entry but for the umask
  Other,  // anything may be wrong
};

/// Gives inodes the metadata of their entries, with as few system calls as what this process gives
/// new ones allows.
class MetadataSetter {
 public:
  /// Looks at the user, group and umask of this process.
  MetadataSetter();

  /// Owner, xattrs, permissions and times of a regular file that has all its content.
  Result<void> set_file(int fd, const tar::Entry& entry, Inode inode) const;

  /// As above by name, for every kind of entry. The times of a directory are left alone.
  Result<void> set(int dir, const std::string& name, const tar::Entry& entry, Inode inode) const;

 private:
  bool needs_owner(const tar::Entry& entry, Inode inode) const;
  bool needs_mode(const tar::Entry& entry, Inode inode) const;

  uid_t user_;
  gid_t group_;
  mode_t umask_;
};

/// mtime and, as nothing knows better, atime.
Result<void> set_times(int dir, const std::string& name, const Time& mtime);

}  // namespace strata::detail
