#include "fs/walk.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "base/dir_reader.h"
#include "base/io.h"

namespace strata {
namespace {

constexpr std::size_t kMaxOpen = 64;

/// It was there when its directory was read, and is not any more, or is something else by now.
bool has_vanished(const Error& error) {
  return error.sys_errno() == ENOENT || error.sys_errno() == ENOTDIR || error.sys_errno() == ELOOP;
}

/// A directory on the way down from the root to the current entry.
struct Level {
  UniqueFd fd;                        // closed while too far above the current entry
  std::string names;                  // each ended by a NUL
  std::vector<std::uint32_t> sorted;  // offsets into `names`
  std::size_t next = 0;               // in `sorted`
  std::size_t path_length = 0;        // of its own path
};

class Walker {
 public:
  Walker(int root, const WalkVisitor& visit) : root_(root), visit_(visit) {}

  Result<void> run() {
    auto own = TRY(open_dir(root_, "."));
    TRY(push(std::move(own)));
    while (!levels_.empty()) {
      auto& level = levels_.back();
      if (level.next == level.sorted.size() || !TRY(reopen(level))) {
        levels_.pop_back();
        continue;
      }
      TRY(step(level));
    }
    return {};
  }

 private:
  Result<void> step(Level& level) {
    name_ = level.names.c_str() + level.sorted[level.next++];
    path_.resize(level.path_length);
    if (!path_.empty()) path_ += '/';
    path_ += name_;
    if (path_.size() >= PATH_MAX)
      return Error(ErrorCode::InvalidArgument, fmt::format("path is longer than {} bytes: {}...",
                                                           PATH_MAX - 1, path_.substr(0, 60)));
    struct stat st = {};
    if (::fstatat(level.fd.get(), name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) return {};
      return Error::from_errno(errno, "lstat " + path_);
    }
    auto decision = TRY(visit_(WalkEntry{level.fd.get(), name_, path_, st}));
    if (!S_ISDIR(st.st_mode) || decision == WalkStep::Skip) return {};
    auto fd = open_at(level.fd.get(), name_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd && has_vanished(fd.error())) return {};
    auto child = TRY(std::move(fd).context("{}", path_));
    return push(std::move(child));
  }

  Result<void> push(UniqueFd fd) {
    Level level;
    level.path_length = path_.size();
    TRY(read_names(fd.get(), level).context("read directory {}", path_.empty() ? "." : path_));
    level.fd = std::move(fd);
    levels_.push_back(std::move(level));
    if (levels_.size() > kMaxOpen) levels_[levels_.size() - 1 - kMaxOpen].fd = UniqueFd();
    return {};
  }

  /// False if the directory is gone.
  Result<bool> reopen(Level& level) {
    if (level.fd) return true;
    auto fd = open_in_root(root_, path_.substr(0, level.path_length), Resolve::NoLinks,
                           O_RDONLY | O_DIRECTORY);
    if (!fd && has_vanished(fd.error())) return false;
    level.fd = TRY(std::move(fd));
    return true;
  }

  Result<void> read_names(int fd, Level& level) {
    TRY(reader_.read(fd, [&level](const char* name, unsigned char) -> Result<void> {
      if (level.names.size() > UINT32_MAX)
        return Error(ErrorCode::System, "more than 4 GiB of names");
      level.sorted.push_back(static_cast<std::uint32_t>(level.names.size()));
      level.names.append(name).push_back('\0');
      return {};
    }));
    // strcmp compares as unsigned char: byte order.
    const char* names = level.names.data();
    std::sort(level.sorted.begin(), level.sorted.end(),
              [names](auto a, auto b) { return std::strcmp(names + a, names + b) < 0; });
    return {};
  }

  int root_;
  const WalkVisitor& visit_;
  std::vector<Level> levels_;
  std::string path_;  // of the current entry
  std::string name_;
  DirReader reader_;
};

}  // namespace

Result<void> walk_tree(int root, const WalkVisitor& visit) { return Walker(root, visit).run(); }

}  // namespace strata
