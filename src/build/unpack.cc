#include "build/unpack.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "fs/xattr.h"
#include "tar/reader.h"

namespace strata::build {
namespace {

constexpr std::string_view kMark = ".wh.";
constexpr std::string_view kOpaqueMark = ".wh..wh..opq";
constexpr std::string_view kOverlayAttribute = "trusted.overlay.";
constexpr std::size_t kPiece = std::size_t{256} << 10;  // bytes

/// "a/b" for "/a/./x/../b"; ".." stops at the root.
std::string confined_path(std::string_view name) {
  std::vector<std::string_view> parts;
  for (auto part : split(name, '/')) {
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string path;
  for (auto part : parts) path.append(path.empty() ? "" : "/").append(part);
  return path;
}

std::string parent_path(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Error system_error(std::string_view call, const std::string& path) {
  return Error::from_errno(errno, fmt::format("{} /{}", call, path));
}

Time mtime_of(const struct stat& st) {
  return {st.st_mtim.tv_sec, static_cast<std::int32_t>(st.st_mtim.tv_nsec)};
}

/// One archive on its way into a directory.
class Unpacker {
 public:
  Unpacker(int root, ByteSource& tar, Marks marks, const std::stop_token& stop)
      : root_(root), reader_(tar), marks_(marks), stop_(stop), buffer_(kPiece, '\0') {}

  Result<void> run() {
    while (auto entry = TRY(reader_.next())) {
      if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
      auto path = confined_path(entry->name);
      if (entry->type == tar::EntryType::GlobalPax || path.empty()) continue;
      if (marks_ != Marks::Names && TRY(is_mark(path))) continue;
      TRY(put(*entry, path));
      note_made(path, entry->mtime);
    }
    // Where the archive was compressed, only the end tells whether all of it was right.
    TRY(reader_.read_rest([](std::string_view) { return Result<void>(); }));
    return settle();
  }

 private:
  struct Directory {
    std::string path;
    Time mtime;
  };

  /// Whether `path` was a mark and has done what it says.
  Result<bool> is_mark(const std::string& path) {
    bool any = false;
    for (auto part : split(path, '/')) any = any || part.starts_with(kMark);
    auto name = last_name(path);
    if (!any) return false;
    if (marks_ == Marks::Refuse || !name.starts_with(kMark) || name.size() == kMark.size())
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("/{}: a layer cannot hold a name that begins with .wh.", path));
    int dir = TRY(enter(parent_path(path), path));
    if (name != kOpaqueMark) {
      TRY(clear(dir, name.substr(kMark.size())));
      return true;
    }
    auto readable = TRY(open_in_root(dir, ".", Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
    for (const auto& child : TRY(list_dir(readable.get()))) TRY(clear(dir, child));
    return true;
  }

  /// Takes `name` away, if it is there.
  static Result<void> clear(int dir, const std::string& name) {
    auto removed = remove_tree(dir, name);
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
    return {};
  }

  /// Makes the directory `path` the current one, and those that are missing on the way.
  /// `entry` is what shall be put there, which an error names.
  Result<int> enter(const std::string& path, const std::string& entry) {
    if (current_ && current_path_ == path) return current_.get();
    auto opened = open_directory(path);
    if (!opened && opened.error().code() == ErrorCode::NotFound) {
      TRY(make_directories(path, entry));
      opened = open_directory(path);
    }
    if (!opened) {
      errno = opened.error().sys_errno();
      return system_error("open", entry);
    }
    current_ = *std::move(opened);
    current_path_ = path;
    TRY(remember_time());
    return current_.get();
  }

  Result<UniqueFd> open_directory(const std::string& path) const {
    return open_in_root(root_, path.empty() ? "." : path, Resolve::InRoot, O_PATH | O_DIRECTORY);
  }

  Result<void> make_directories(const std::string& path, const std::string& entry) {
    auto existing = open_directory(path);
    if (existing) return {};
    auto parent = parent_path(path);
    if (!path.empty()) TRY(make_directories(parent, entry));
    auto dir = open_directory(parent);
    if (!dir) return std::move(dir).error();
    current_ = UniqueFd();
    TRY(remember_time_of(dir->get(), parent));
    auto name = last_name(path);
    if (::mkdirat(dir->get(), name.c_str(), 0755) < 0) {
      if (errno == EEXIST) errno = ENOENT;  // a link that leads nowhere
      return system_error("open", entry);
    }
    if (::fchmodat(dir->get(), name.c_str(), 0755, 0) < 0) return system_error("chmod", path);
    made_[path] = kZeroTime;
    return {};
  }

  Result<void> remember_time() { return remember_time_of(current_.get(), current_path_); }

  /// Before anything is put into a directory that was there.
  Result<void> remember_time_of(int dir, const std::string& path) {
    if (made_.contains(path)) return {};
    struct stat st = {};
    if (::fstat(dir, &st) < 0) return system_error("stat", path);
    kept_.try_emplace({st.st_dev, st.st_ino}, Directory{path, mtime_of(st)});
    return {};
  }

  /// What was made on the way to `path` is at least as new as what came there.
  void note_made(const std::string& path, const Time& mtime) {
    if (made_.empty()) return;
    for (auto parent = parent_path(path); !parent.empty(); parent = parent_path(parent))
      if (auto made = made_.find(parent); made != made_.end())
        made->second = std::max(made->second, mtime);
  }

  Result<void> put(const tar::Entry& entry, const std::string& path) {
    for (const auto& [key, value] : entry.xattrs)
      if (key.starts_with(kOverlayAttribute))
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("/{}: attribute {} is overlayfs's own", path, key));
    int dir = TRY(enter(parent_path(path), path));
    auto name = last_name(path);
    bool is_directory = entry.type == tar::EntryType::Directory;
    if (auto st = stat_at(dir, name); st && !(is_directory && S_ISDIR(st->st_mode))) {
      TRY(clear(dir, name));
      forget_below(path);
    }
    switch (entry.type) {
      case tar::EntryType::Regular:
        return put_file(entry, dir, name, path);
      case tar::EntryType::HardLink:
        return put_hard_link(entry, dir, name, path);
      case tar::EntryType::Directory:
        if (::mkdirat(dir, name.c_str(), 0700) < 0 && errno != EEXIST)
          return system_error("mkdir", path);
        made_.erase(path);
        settled_[path] = entry.mtime;
        break;
      case tar::EntryType::Symlink:
        if (::symlinkat(entry.linkname.c_str(), dir, name.c_str()) < 0)
          return system_error("symlink", path);
        break;
      default:
        TRY(put_node(entry, dir, name, path));
    }
    return set_metadata(entry, dir, name, path);
  }

  /// Nothing is left of what was below `path`, which is replaced.
  void forget_below(const std::string& path) {
    auto below = [&](const auto& item) {
      return item.first == path || item.first.starts_with(path + '/');
    };
    std::erase_if(made_, below);
    std::erase_if(settled_, below);
  }

  static Result<void> put_node(const tar::Entry& entry, int dir, const std::string& name,
                               const std::string& path) {
    mode_t type = entry.type == tar::EntryType::Fifo         ? S_IFIFO
                  : entry.type == tar::EntryType::CharDevice ? S_IFCHR
                                                             : S_IFBLK;
    dev_t device = type == S_IFIFO ? 0 : makedev(entry.dev_major, entry.dev_minor);
    if (::mknodat(dir, name.c_str(), type | 0600, device) < 0) return system_error("mknod", path);
    return {};
  }

  Result<void> put_file(const tar::Entry& entry, int dir, const std::string& name,
                        const std::string& path) {
    auto file = open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!file) {
      errno = file.error().sys_errno();
      return system_error("open", path);
    }
    while (std::size_t n = TRY(reader_.read(buffer_))) {
      if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
      TRY(write_all(file->get(), std::string_view(buffer_).substr(0, n)).context("/{}", path));
    }
    return set_metadata(entry, dir, name, path);
  }

  Result<void> put_hard_link(const tar::Entry& entry, int dir, const std::string& name,
                             const std::string& path) {
    auto target = confined_path(entry.linkname);
    auto refuse = [&] { return system_error("link /" + target, path); };
    auto from = open_directory(parent_path(target));
    if (!from) {
      errno = from.error().sys_errno();
      return refuse();
    }
    if (::linkat(from->get(), last_name(target).c_str(), dir, name.c_str(), 0) < 0) return refuse();
    auto as = entry;
    if (S_ISLNK(TRY(stat_at(dir, name)).st_mode)) as.type = tar::EntryType::Symlink;
    return set_metadata(as, dir, name, path);
  }

  /// chown clears setuid and capabilities, so it comes first.
  static Result<void> set_metadata(const tar::Entry& entry, int dir, const std::string& name,
                                   const std::string& path) {
    if (::fchownat(dir, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) < 0)
      return system_error("lchown", path);
    for (const auto& [key, value] : entry.xattrs) {
      auto done = set_xattr(dir, name, key, value);
      // Attributes that this file system has no place for, and user ones of links.
      if (!done && done.error().code() != ErrorCode::Unsupported &&
          done.error().sys_errno() != EPERM && done.error().sys_errno() != EOPNOTSUPP)
        return done;
    }
    if (entry.type != tar::EntryType::Symlink &&
        ::fchmodat(dir, name.c_str(), entry.mode & 07777, 0) < 0)
      return system_error("chmod", path);
    return set_time(dir, name, entry.mtime, path);
  }

  static Result<void> set_time(int dir, const std::string& name, const Time& mtime,
                               const std::string& path) {
    timespec time = {mtime.seconds, mtime.nanoseconds};
    timespec times[2] = {time, time};
    if (::utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0)
      return system_error("chtimes", path);
    return {};
  }

  /// Directories get their times when nothing more is put into them.
  Result<void> settle() {
    for (const auto& [inode, directory] : kept_) TRY(set_directory_time(directory));
    for (const auto& [path, mtime] : made_) TRY(set_directory_time({path, mtime}));
    for (const auto& [path, mtime] : settled_) TRY(set_directory_time({path, mtime}));
    return {};
  }

  Result<void> set_directory_time(const Directory& directory) const {
    auto fd = open_in_root(root_, directory.path.empty() ? "." : directory.path, Resolve::InRoot,
                           O_RDONLY | O_DIRECTORY);
    if (!fd) return {};  // replaced by a later entry
    timespec time = {directory.mtime.seconds, directory.mtime.nanoseconds};
    timespec times[2] = {time, time};
    if (::futimens(fd->get(), times) < 0) return system_error("chtimes", directory.path);
    return {};
  }

  int root_;
  tar::Reader reader_;
  Marks marks_;
  const std::stop_token& stop_;
  std::string buffer_;
  UniqueFd current_;  // the directory of the last entry
  std::string current_path_;
  std::map<std::pair<dev_t, ino_t>, Directory> kept_;  // were there: their times
  std::map<std::string, Time> made_;                   // on the way: the newest below
  std::map<std::string, Time> settled_;                // have entries of their own
};

}  // namespace

Result<void> unpack(int root, ByteSource& tar, Marks marks, const std::stop_token& stop) {
  return Unpacker(root, tar, marks, stop).run();
}

}  // namespace strata::build
