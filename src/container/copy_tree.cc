#include "container/copy_tree.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <vector>

#include "base/io.h"
#include "container/dir_cursor.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"

namespace strata {
namespace {

std::string last_component(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

bool has_vanished(const Error& error) { return error.sys_errno() == ENOENT; }

Result<void> copy_xattrs(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  if (!TRY(has_xattrs(from_dir, from))) return {};
  for (const auto& [name, value] : TRY(list_xattrs(from_dir, from))) {
    if (name.starts_with("trusted.overlay.") && name != kOpaqueXattr) continue;
    TRY(set_xattr(to_dir, to, name, value));
  }
  return {};
}

/// A stretch of data; the kernel copies it, or we do where it cannot.
Result<void> copy_range(int in, int out, off_t begin, off_t end) {
  off_t in_at = begin;
  off_t out_at = begin;
  while (in_at < end) {
    auto n = ::copy_file_range(in, &in_at, out, &out_at, static_cast<std::size_t>(end - in_at), 0);
    if (n > 0) continue;
    if (n == 0) return {};  // truncated meanwhile
    if (errno == EINTR) continue;
    if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
      return Error::from_errno(errno, "copy_file_range");
    std::array<char, 65536> buffer;
    auto wanted = std::min(static_cast<std::size_t>(end - in_at), buffer.size());
    auto got = ::pread(in, buffer.data(), wanted, in_at);
    if (got < 0) return Error::from_errno(errno, "read");
    if (got == 0) return {};
    if (::lseek(out, out_at, SEEK_SET) < 0) return Error::from_errno(errno, "lseek");
    TRY(write_all(out, std::string_view(buffer.data(), static_cast<std::size_t>(got))));
    in_at += got;
    out_at += got;
  }
  return {};
}

Result<void> copy_content(int in, int out) {
  if (::ioctl(out, FICLONE, in) == 0) return {};
  struct stat st = {};
  if (::fstat(in, &st) < 0) return Error::from_errno(errno, "fstat");
  off_t at = 0;
  while (at < st.st_size) {
    off_t data = ::lseek(in, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    off_t hole = data < 0 ? st.st_size : ::lseek(in, data, SEEK_HOLE);
    if (data < 0) data = at;
    if (hole < 0) hole = st.st_size;
    TRY(copy_range(in, out, data, hole));
    at = hole;
  }
  if (::ftruncate(out, st.st_size) < 0) return Error::from_errno(errno, "ftruncate");
  return {};
}

class TreeCopy {
 public:
  /// With `rules` what exists in the target is merged with; else the target must be empty.
  explicit TreeCopy(int target, const CopyRules* rules = nullptr)
      : target_(target), rules_(rules), cursor_(target) {}

  Result<WalkStep> visit(const WalkEntry& e) {
    if (S_ISSOCK(e.st.st_mode)) return WalkStep::Skip;
    int dir = TRY(cursor_.directory_of(e.path));
    if (dir < 0) return WalkStep::Skip;
    if (rules_ != nullptr) TRY(clear_way(dir, e));
    if (!S_ISDIR(e.st.st_mode) && e.st.st_nlink > 1 && TRY(link_again(e, dir)))
      return WalkStep::Enter;
    auto made = make(e, dir);
    if (!made && has_vanished(made.error())) {
      (void)::unlinkat(dir, last_component(e.path).c_str(),
                       S_ISDIR(e.st.st_mode) ? AT_REMOVEDIR : 0);
      return WalkStep::Skip;
    }
    TRY(std::move(made).context("copy {}", e.path));
    return WalkStep::Enter;
  }

  /// What is made in a directory moves its time, so directories have theirs set last.
  Result<void> finish() {
    for (auto d = directories_.rbegin(); d != directories_.rend(); ++d) {
      int dir = TRY(cursor_.directory_of(d->path));
      auto name = last_component(d->path);
      if (dir >= 0 && ::utimensat(dir, name.c_str(), d->times, AT_SYMLINK_NOFOLLOW) < 0 &&
          errno != ENOENT)
        return Error::from_errno(errno, "set times of " + d->path);
    }
    return {};
  }

 private:
  struct Directory {
    std::string path;
    timespec times[2];
  };

  Result<bool> link_again(const WalkEntry& e, int dir) {
    auto [known, is_new] = links_.try_emplace({e.st.st_dev, e.st.st_ino}, e.path);
    if (is_new) return false;
    auto name = last_component(e.path);
    if (::linkat(target_, known->second.c_str(), dir, name.c_str(), 0) == 0) return true;
    if (errno != ENOENT) return Error::from_errno(errno, "link " + e.path);
    known->second = e.path;  // the first one vanished while it was copied
    return false;
  }

  Result<void> make(const WalkEntry& e, int dir) {
    const auto name = last_component(e.path);
    TRY(make_object(e, dir, name));
    const Owner owner =
        rules_ != nullptr && rules_->owner ? *rules_->owner : Owner{e.st.st_uid, e.st.st_gid};
    if (::fchownat(dir, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0)
      return Error::from_errno(errno, "chown");
    TRY(copy_xattrs(e.dir, e.name, dir, name));
    // After chown, which takes setuid bits away.
    if (!S_ISLNK(e.st.st_mode) && ::fchmodat(dir, name.c_str(), e.st.st_mode & 07777, 0) < 0)
      return Error::from_errno(errno, "chmod");
    timespec times[2] = {e.st.st_atim, e.st.st_mtim};
    if (S_ISDIR(e.st.st_mode)) {
      directories_.push_back({e.path, {times[0], times[1]}});
    } else if (::utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0) {
      return Error::from_errno(errno, "set times");
    }
    return {};
  }

  /// What has the entry's name already must be a directory where one is due; else it goes.
  static Result<void> clear_way(int dir, const WalkEntry& e) {
    const auto name = last_component(e.path);
    auto st = stat_at(dir, name);
    if (!st && has_vanished(st.error())) return {};
    if (!st) return std::move(st).error();
    const bool is_directory = S_ISDIR(st->st_mode);
    if (is_directory != S_ISDIR(e.st.st_mode))
      return Error(ErrorCode::Conflict,
                   is_directory
                       ? fmt::format("cannot overwrite directory \"{}\" with non-directory \"{}\"",
                                     e.path, e.name)
                       : fmt::format("cannot overwrite non-directory \"{}\" with directory \"{}\"",
                                     e.path, e.name));
    if (!is_directory && ::unlinkat(dir, name.c_str(), 0) < 0 && errno != ENOENT)
      return Error::from_errno(errno, "remove " + e.path);
    return {};
  }

  Result<void> make_object(const WalkEntry& e, int dir, const std::string& as) {
    const char* name = as.c_str();
    switch (e.st.st_mode & S_IFMT) {
      case S_IFREG: {
        auto in = TRY(open_at(e.dir, e.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
        auto out = TRY(open_at(dir, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
        return copy_content(in.get(), out.get());
      }
      case S_IFDIR:
        if (::mkdirat(dir, name, 0700) < 0 && (rules_ == nullptr || errno != EEXIST))
          return Error::from_errno(errno, "mkdir");
        return {};
      case S_IFLNK: {
        auto to = TRY(read_link_at(e.dir, e.name));
        if (::symlinkat(to.c_str(), dir, name) < 0) return Error::from_errno(errno, "symlink");
        return {};
      }
      default:
        if (::mknodat(dir, name, e.st.st_mode & S_IFMT, e.st.st_rdev) < 0)
          return Error::from_errno(errno, "mknod");
        return {};
    }
  }

  int target_;
  const CopyRules* rules_;
  DirCursor cursor_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;  // of files with several names
  std::vector<Directory> directories_;
};

}  // namespace

Result<void> copy_tree(int source, int target) {
  TreeCopy copy(target);
  TRY(walk_tree(source, [&](const WalkEntry& e) { return copy.visit(e); }));
  return copy.finish();
}

Result<void> copy_into(int from, const std::string& name, int to, const std::string& as,
                       const CopyRules& rules) {
  struct stat st = TRY(stat_at(from, name));
  TreeCopy top(to, &rules);
  if (as != ".") TRY(top.visit(WalkEntry{from, name, as, st}));
  if (S_ISDIR(st.st_mode)) {
    auto source = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    auto target = TRY(open_at(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TreeCopy below(target.get(), &rules);
    TRY(walk_tree(source.get(), [&](const WalkEntry& e) { return below.visit(e); }));
    TRY(below.finish());
    if (as == ".") {
      TRY(copy_root_metadata(source.get(), target.get()));
      if (rules.owner && ::fchown(target.get(), rules.owner->uid, rules.owner->gid) < 0)
        return Error::from_errno(errno, "chown");
    }
  }
  return top.finish();
}

Result<void> copy_root_metadata(int source, int target) {
  struct stat st = {};
  if (::fstat(source, &st) < 0) return Error::from_errno(errno, "fstat");
  TRY(copy_xattrs(source, "", target, ""));
  timespec times[2] = {st.st_atim, st.st_mtim};
  if (::fchownat(target, ".", st.st_uid, st.st_gid, 0) < 0 ||
      ::fchmodat(target, ".", st.st_mode & 07777, 0) < 0 || ::utimensat(target, ".", times, 0) < 0)
    return Error::from_errno(errno, "set owner, mode and times");
  return {};
}

}  // namespace strata
