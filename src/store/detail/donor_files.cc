#include "store/detail/donor_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "fs/xattr.h"
#include "store/detail/dir_stack.h"

namespace strata::detail {
namespace {

constexpr std::size_t kMaxOpenDonors = 16;  // levels below the root; each may have 16 donors

bool same_file(const tar::Entry& entry, const struct stat& st) {
  return S_ISREG(st.st_mode) && st.st_size == entry.size && (st.st_mode & 07777) == entry.mode &&
         st.st_uid == entry.uid && st.st_gid == entry.gid &&
         st.st_mtim.tv_sec == entry.mtime.seconds && st.st_mtim.tv_nsec == entry.mtime.nanoseconds;
}

bool same_xattrs(const tar::Entry& entry, int fd) {
  if (entry.xattrs.empty()) {
    auto any = has_xattrs(fd, "");
    return any && !*any;
  }
  auto xattrs = list_xattrs(fd, "");
  return xattrs && *xattrs == entry.xattrs;
}

}  // namespace

std::optional<DonorFiles::Found> DonorFiles::find(std::string_view path, const std::string& name,
                                                  const tar::Entry& entry, const Skip& skip) {
  for (std::size_t i = 0; i < roots_.size(); i++)
    if (auto found = open_like(i, path, name, entry, skip))
      if (same_xattrs(entry, found->fd.get())) return found;
  return std::nullopt;
}

std::optional<DonorFiles::Found> DonorFiles::find_known(std::string_view path,
                                                        const std::string& name,
                                                        const tar::Entry& entry) {
  return open_like(0, path, name, entry, {});
}

std::optional<DonorFiles::Found> DonorFiles::open_like(std::size_t donor, std::string_view path,
                                                       const std::string& name,
                                                       const tar::Entry& entry, const Skip& skip) {
  if (entry.size == 0) return std::nullopt;
  int dir = directory(path, donor);
  struct stat st = {};
  if (dir < 0 || ::fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return std::nullopt;
  if (!same_file(entry, st) || (skip && skip(st.st_ino))) return std::nullopt;
  // O_NOATIME: a link has just changed its ctime, so each look would write its atime, too.
  auto fd = open_at(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
  if (!fd) return std::nullopt;
  return Found{*std::move(fd), donor, st.st_ino};
}

int DonorFiles::directory(std::string_view path, std::size_t donor) {
  enter(path);
  return at(levels_.size() - 1, donor);
}

void DonorFiles::enter(std::string_view path) {
  if (path == path_) return;
  while (!is_on_the_way(path_, path)) {
    levels_.pop_back();
    path_.resize(levels_.back().path_length);
  }
  while (path_.size() < path.size()) {
    auto begin = path_.empty() ? 0 : path_.size() + 1;
    path_ = path.substr(0, path.find('/', begin));
    levels_.push_back({path_.size(), {}});
    if (levels_.size() > kMaxOpenDonors + 1)
      levels_[levels_.size() - 1 - kMaxOpenDonors].directories.clear();
  }
}

int DonorFiles::at(std::size_t level, std::size_t donor) {
  if (level == 0) return roots_[donor].get();
  levels_[level].directories.resize(roots_.size());
  if (!levels_[level].directories[donor].is_known)
    levels_[level].directories[donor] = {open(level, donor), true};
  return levels_[level].directories[donor].fd.get();
}

/// By way of the one above it: where that is missing, nothing is asked of the kernel.
UniqueFd DonorFiles::open(std::size_t level, std::size_t donor) {
  bool is_far = levels_.size() - level >= kMaxOpenDonors;  // then the one above it is closed
  if (is_far) {
    auto path = path_.substr(0, levels_[level].path_length);
    auto found = open_in_root(roots_[donor].get(), path, Resolve::NoLinks, O_PATH | O_DIRECTORY);
    return found ? *std::move(found) : UniqueFd();
  }
  int above = at(level - 1, donor);
  if (above < 0) return {};
  auto begin = level == 1 ? 0 : levels_[level - 1].path_length + 1;
  auto name = path_.substr(begin, levels_[level].path_length - begin);
  return UniqueFd(::openat(above, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace strata::detail
