#include "store/detail/metadata.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "fs/xattr.h"

namespace strata::detail {
namespace {

/// umask(2) can only be read by changing it, for all threads; the kernel also tells it in a file.
mode_t read_umask() {
  constexpr std::string_view kKey = "\nUmask:\t";
  auto status = read_small(AT_FDCWD, "/proc/self/status");
  auto at = status ? status->find(kKey) : std::string::npos;
  mode_t mask = 07777;  // unknown: every mode is set
  if (at != std::string::npos) {
    const char* begin = status->data() + at + kKey.size();
    std::from_chars(begin, status->data() + status->size(), mask, 8);
  }
  return mask;
}

mode_t permissions(const tar::Entry& entry) { return entry.mode & 07777; }

/// Archives made on other systems hold attributes that Linux has no place for, and user attributes
/// of links and devices; nobody could have read them in a container. dockerd drops them too.
bool has_place(const tar::Entry& entry, std::string_view attribute) {
  using enum tar::EntryType;
  auto space = attribute.substr(0, attribute.find('.'));
  if (space == "user")
    return entry.type == Regular || entry.type == Directory || entry.type == HardLink;
  return space == "trusted" || space == "security" || space == "system";
}

Result<void> set_xattrs(int dir, const std::string& name, const tar::Entry& entry) {
  for (const auto& [attribute, value] : entry.xattrs)
    if (has_place(entry, attribute)) TRY(set_xattr(dir, name, attribute, value));
  return {};
}

std::array<timespec, 2> timespecs(const Time& mtime) {
  timespec t = {mtime.seconds, mtime.nanoseconds};
  return {t, t};
}

}  // namespace

MetadataSetter::MetadataSetter() : user_(::geteuid()), group_(::getegid()), umask_(read_umask()) {}

bool MetadataSetter::needs_owner(const tar::Entry& entry, Inode inode) const {
  return inode == Inode::Other || entry.uid != user_ || entry.gid != group_;
}

bool MetadataSetter::needs_mode(const tar::Entry& entry, Inode inode) const {
  if (entry.type == tar::EntryType::Symlink) return false;
  return inode == Inode::Other || (permissions(entry) & (umask_ | ~mode_t{0777})) != 0;
}

// In both: chown clears setuid and capabilities, so it comes first.

Result<void> MetadataSetter::set_file(int fd, const tar::Entry& entry, Inode inode) const {
  if (needs_owner(entry, inode) && ::fchown(fd, entry.uid, entry.gid) < 0)
    return Error::from_errno(errno, "chown");
  TRY(set_xattrs(fd, "", entry));
  if (needs_mode(entry, inode) && ::fchmod(fd, permissions(entry)) < 0)
    return Error::from_errno(errno, "chmod");
  if (::futimens(fd, timespecs(entry.mtime).data()) < 0)
    return Error::from_errno(errno, "set times");
  return {};
}

Result<void> MetadataSetter::set(int dir, const std::string& name, const tar::Entry& entry,
                                 Inode inode) const {
  if (needs_owner(entry, inode) &&
      ::fchownat(dir, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno(errno, "chown");
  TRY(set_xattrs(dir, name, entry));
  if (needs_mode(entry, inode) && ::fchmodat(dir, name.c_str(), permissions(entry), 0) < 0)
    return Error::from_errno(errno, "chmod");
  if (entry.type != tar::EntryType::Directory) TRY(set_times(dir, name, entry.mtime));
  return {};
}

Result<void> set_times(int dir, const std::string& name, const Time& mtime) {
  if (::utimensat(dir, name.c_str(), timespecs(mtime).data(), AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno(errno, "set times");
  return {};
}

}  // namespace strata::detail
