#include "container/changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/io.h"
#include "container/dir_cursor.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

/// Archives carry whole seconds, so a time without a fraction equals any in its second.
bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

bool differs(const struct stat& a, const struct stat& b) {
  if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid ||
      a.st_rdev != b.st_rdev)
    return true;
  return !S_ISDIR(a.st_mode) && (!same_time(a.st_mtim, b.st_mtim) || a.st_size != b.st_size);
}

std::optional<struct stat> stat_if_there(int dir, const std::string& name) {
  struct stat st = {};
  if (dir < 0 || ::fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return std::nullopt;
  return st;
}

class Comparison {
 public:
  explicit Comparison(int lower) : has_lower_(lower >= 0), lower_(lower) {}

  Result<WalkStep> visit(const WalkEntry& e) {
    leave_directories(e.path);
    int dir = has_lower_ ? TRY(lower_.directory_of(e.path)) : -1;
    auto old = stat_if_there(dir, e.name);
    if (is_whiteout(e.st)) {
      if (old) report(ChangeKind::Deleted, e.path);
      return WalkStep::Enter;
    }
    bool is_listed = true;
    if (!old)
      report(ChangeKind::Added, e.path);
    else if (differs(*old, e.st) || TRY(capability_differs(dir, e)))
      report(ChangeKind::Modified, e.path);
    else
      is_listed = false;
    if (S_ISDIR(e.st.st_mode)) {
      open_directories_.push_back({e.path, is_listed});
      if (old && S_ISDIR(old->st_mode)) TRY(report_hidden(dir, e));
    }
    return WalkStep::Enter;
  }

  std::vector<FileChange> finish() {
    std::sort(changes_.begin(), changes_.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(changes_);
  }

 private:
  struct Directory {
    std::string path;
    bool is_listed;
  };

  void leave_directories(const std::string& path) {
    auto holds = [&](const std::string& d) {
      return path.size() > d.size() && path.starts_with(d) && path[d.size()] == '/';
    };
    while (!open_directories_.empty() && !holds(open_directories_.back().path))
      open_directories_.pop_back();
  }

  void report(ChangeKind kind, const std::string& path) {
    for (auto& d : open_directories_) {
      if (!d.is_listed) changes_.push_back({ChangeKind::Modified, '/' + d.path});
      d.is_listed = true;
    }
    changes_.push_back({kind, '/' + path});
  }

  static Result<bool> capability_differs(int lower_dir, const WalkEntry& e) {
    if (!S_ISREG(e.st.st_mode)) return false;
    constexpr const char* kName = "security.capability";
    auto now = TRY(get_xattr(e.dir, e.name, kName));
    auto before = TRY(get_xattr(lower_dir, e.name, kName));
    return now != before;
  }

  /// An opaque directory deletes what the lower one has and it has not.
  Result<void> report_hidden(int lower_dir, const WalkEntry& e) {
    if (!TRY(is_opaque(e.dir, e.name))) return {};
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    auto upper = TRY(open_at(e.dir, e.name, kFlags));
    auto lower = TRY(open_at(lower_dir, e.name, kFlags));
    for (const auto& name : TRY(list_dir(lower.get())))
      if (!stat_if_there(upper.get(), name)) report(ChangeKind::Deleted, e.path + '/' + name);
    return {};
  }

  bool has_lower_;
  DirCursor lower_;
  std::vector<Directory> open_directories_;  // on the way down to the current entry
  std::vector<FileChange> changes_;
};

}  // namespace

Result<std::vector<FileChange>> changed_files(int upper, int lower) {
  Comparison comparison(lower);
  TRY(walk_tree(upper, [&](const WalkEntry& e) { return comparison.visit(e); }));
  return comparison.finish();
}

Result<std::vector<FileChange>> container_changes(const Store& store, const std::string& id) {
  auto mount = TRY(store.layers().mount(id));
  auto upper = TRY(store.caches().open_diff(mount.mount_id));
  // All that the writable layer stands on: its own stack without itself.
  LayerBase base;
  base.lowers = TRY(store.caches().stack(mount.mount_id));
  base.lowers.erase(base.lowers.begin());
  if (base.lowers.empty()) return changed_files(upper.get(), -1);
  auto lower = TRY(mount_base(store, base));
  return changed_files(upper.get(), lower.get());
}

Result<std::int64_t> tree_size(int root) {
  std::int64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;  // of files with several names
  TRY(walk_tree(root, [&](const WalkEntry& e) -> Result<WalkStep> {
    if (S_ISDIR(e.st.st_mode)) return WalkStep::Enter;
    if (e.st.st_nlink == 1 || seen.emplace(e.st.st_dev, e.st.st_ino).second) bytes += e.st.st_size;
    return WalkStep::Enter;
  }));
  return bytes;
}

}  // namespace strata
