#include "store/detail/tree_writer.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/io.h"
#include "fs/whiteout.h"
#include "image/go_quote.h"

namespace strata::detail {
namespace {

constexpr std::size_t kNone = std::string::npos;

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == kNone ? "" : path.substr(0, slash);
}

/// chown(2) takes this number for "leave it".
Result<void> check_owner(const tar::Entry& entry) {
  constexpr auto kNobody = std::numeric_limits<std::uint32_t>::max();
  if (entry.uid == kNobody || entry.gid == kNobody)
    return Error(ErrorCode::InvalidArgument, fmt::format("no such owner: {}", kNobody));
  return {};
}

bool same_metadata(const tar::Entry& entry, const struct stat& st) {
  bool same_mode = S_ISLNK(st.st_mode) || (st.st_mode & 07777) == (entry.mode & 07777);
  return same_mode && st.st_uid == entry.uid && st.st_gid == entry.gid &&
         st.st_mtim.tv_sec == entry.mtime.seconds &&
         st.st_mtim.tv_nsec == entry.mtime.nanoseconds && entry.xattrs.empty();
}

}  // namespace

Result<void> TreeWriter::enter_parent(const std::string& path) {
  auto slash = path.rfind('/');
  name_ = slash == kNone ? path : path.substr(slash + 1);
  return dirs_.enter(std::string_view(path).substr(0, slash == kNone ? 0 : slash),
                     order_ == Order::Any ? DirStack::Missing::Make : DirStack::Missing::Refuse);
}

Result<void> TreeWriter::named(const tar::Entry& entry, Result<void> done) const {
  if (!done)
    done.error().add_context(order_ == Order::Any ? "tar entry " + go_quote(entry.name)
                                                  : entry.name);
  return done;
}

Result<void> TreeWriter::put(const tar::Entry& entry, const std::string& path) {
  return named(entry, put_in_place(entry, path));
}

Result<void> TreeWriter::put_in_place(const tar::Entry& entry, const std::string& path) {
  TRY(check_owner(entry));
  TRY(enter_parent(path));
  auto made = make(entry, path);
  bool in_the_way = !made && made.error().sys_errno() == EEXIST && order_ == Order::Any;
  if (!in_the_way || entry.type == tar::EntryType::Directory) return made;
  TRY(clear_way());
  return make(entry, path);
}

Result<void> TreeWriter::make(const tar::Entry& entry, const std::string& path) {
  switch (entry.type) {
    case tar::EntryType::Directory:
      return make_directory(entry, path);
    case tar::EntryType::Symlink:
      return make_symlink(entry);
    case tar::EntryType::HardLink:
      return make_hard_link(entry);
    case tar::EntryType::CharDevice:
      return make_node(entry, S_IFCHR, makedev(entry.dev_major, entry.dev_minor));
    case tar::EntryType::BlockDevice:
      return make_node(entry, S_IFBLK, makedev(entry.dev_major, entry.dev_minor));
    case tar::EntryType::Fifo:
      return make_node(entry, S_IFIFO, 0);
    case tar::EntryType::Regular:
    case tar::EntryType::GlobalPax:
      break;
  }
  return Error(ErrorCode::Internal, "not an entry without content");
}

/// Takes away what an entry of an archive may replace.
Result<void> TreeWriter::clear_way() {
  if (::unlinkat(dirs_.fd(), name_.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return Error::from_errno(errno, "replace");
  if (::unlinkat(dirs_.fd(), name_.c_str(), AT_REMOVEDIR) == 0) return {};
  return Error::from_errno(errno, "replace directory");
}

Result<void> TreeWriter::make_directory(const tar::Entry& entry, const std::string& path) {
  auto inode = new_inode();
  if (::mkdirat(dirs_.fd(), name_.c_str(), entry.mode & 0777) < 0) {
    if (errno != EEXIST || order_ == Order::Sorted) return Error::from_errno(errno, "mkdir");
    inode = Inode::Other;
    // One that is there already was made for an entry below it: they become one.
    if (!S_ISDIR(TRY(stat_at(dirs_.fd(), name_)).st_mode)) {
      TRY(clear_way());
      if (::mkdirat(dirs_.fd(), name_.c_str(), entry.mode & 0777) < 0)
        return Error::from_errno(errno, "mkdir");
    }
  }
  unsettled_.emplace_back(path, entry.mtime);
  return metadata_.set(dirs_.fd(), name_, entry, inode);
}

Result<void> TreeWriter::make_node(const tar::Entry& entry, mode_t type, dev_t device) {
  if (::mknodat(dirs_.fd(), name_.c_str(), type | (entry.mode & 0777), device) < 0)
    return Error::from_errno(errno, "mknod");
  return metadata_.set(dirs_.fd(), name_, entry, new_inode());
}

Result<void> TreeWriter::make_symlink(const tar::Entry& entry) {
  if (::symlinkat(entry.linkname.c_str(), dirs_.fd(), name_.c_str()) < 0)
    return Error::from_errno(errno, "symlink");
  size_ += static_cast<std::int64_t>(entry.linkname.size());
  return metadata_.set(dirs_.fd(), name_, entry, new_inode());
}

Result<void> TreeWriter::make_hard_link(const tar::Entry& entry) {
  auto refuse = [&](const char* why) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("hard link to {}, {}", entry.linkname, why));
  };
  auto parent = parent_of(entry.linkname);
  auto target = entry.linkname.substr(parent.empty() ? 0 : parent.size() + 1);
  if (target.empty()) return refuse("which is a directory");
  UniqueFd elsewhere;
  if (parent != dirs_.path()) {
    auto opened =
        open_in_root(diff_, parent.empty() ? "." : parent, Resolve::NoLinks, O_PATH | O_DIRECTORY);
    if (!opened) return refuse("which is not in this layer");
    elsewhere = *std::move(opened);
  }
  int dir = elsewhere ? elsewhere.get() : dirs_.fd();
  auto st = stat_at(dir, target);
  if (!st || is_whiteout(*st)) return refuse("which is not in this layer");
  if (S_ISDIR(st->st_mode)) return refuse("which is a directory");
  TRY(files_.make_own(dir, target, *st));
  if (::linkat(dir, target.c_str(), dirs_.fd(), name_.c_str(), 0) < 0)
    return Error::from_errno(errno, "link");
  // As dockerd does: what the header of the last name says holds for the file.
  if (same_metadata(entry, *st)) return {};
  auto as = entry;
  if (S_ISLNK(st->st_mode)) as.type = tar::EntryType::Symlink;
  return metadata_.set(dirs_.fd(), name_, as, Inode::Other);
}

Result<void> TreeWriter::begin_file(const tar::Entry& entry, const std::string& path,
                                    FileWriter::Layout layout) {
  return named(entry, open_file(entry, path, layout));
}

Result<void> TreeWriter::open_file(const tar::Entry& entry, const std::string& path,
                                   FileWriter::Layout layout) {
  TRY(check_owner(entry));
  TRY(enter_parent(path));
  size_ += entry.size;
  auto begun = files_.begin(name_, entry, layout);
  // A file that a donor may have is made later, where the way must be free by then.
  if (begun && order_ == Order::Any && files_.has_candidate()) return clear_way();
  if (begun || begun.error().sys_errno() != EEXIST || order_ == Order::Sorted) return begun;
  TRY(clear_way());
  return files_.begin(name_, entry, layout);
}

Result<void> TreeWriter::equal_file(const tar::Entry& entry, const std::string& path,
                                    const FileWriter::Equal& equal, std::string_view content) {
  return named(entry, put_equal_file(entry, path, equal, content));
}

Result<void> TreeWriter::put_equal_file(const tar::Entry& entry, const std::string& path,
                                        const FileWriter::Equal& equal, std::string_view content) {
  TRY(check_owner(entry));
  TRY(enter_parent(path));
  size_ += entry.size;
  return files_.put_equal(name_, entry, equal, content);
}

Result<void> TreeWriter::whiteout(const tar::Entry& entry, const std::string& path) {
  return named(entry, put_whiteout(entry, path));
}

Result<void> TreeWriter::put_whiteout(const tar::Entry& entry, const std::string& path) {
  TRY(check_owner(entry));
  TRY(enter_parent(path));
  TRY(make_whiteout(dirs_.fd(), name_));
  if (::fchownat(dirs_.fd(), name_.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0)
    return Error::from_errno(errno, "chown");
  return {};
}

Result<void> TreeWriter::opaque(const tar::Entry& entry, const std::string& path) {
  return named(entry, put_opaque(path));
}

Result<void> TreeWriter::put_opaque(const std::string& path) {
  TRY(dirs_.enter(path,
                  order_ == Order::Any ? DirStack::Missing::Make : DirStack::Missing::Refuse));
  return set_opaque(dirs_.fd(), "");
}

Result<void> TreeWriter::settle() {
  std::sort(unsettled_.begin(), unsettled_.end());  // those of one directory after each other
  for (const auto& [path, mtime] : std::exchange(unsettled_, {})) {
    auto parent = parent_of(path);
    TRY(dirs_.enter(parent, DirStack::Missing::Refuse));
    TRY(set_times(dirs_.fd(), path.substr(parent.empty() ? 0 : parent.size() + 1), mtime)
            .context("{}", path));
  }
  return {};
}

}  // namespace strata::detail
