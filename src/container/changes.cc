#include "container/changes.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/dir_reader.h"
#include "base/io.h"
#include "base/parallel.h"
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

bool is_no_directory(const Error& error) {
  return error.sys_errno() == ENOENT || error.sys_errno() == ENOTDIR || error.sys_errno() == ELOOP;
}

/// A directory of the upper tree.
struct UpperDir {
  std::shared_ptr<UpperDir> above;  // null for the root
  std::string path;
  MergedDir::Layers layers;  // that may have one to be merged with
  std::atomic<bool> is_listed = false;
};

using UpperDirs = std::vector<std::shared_ptr<UpperDir>>;

/// Compares directories, one after the other, in any order.
class Comparison {
 public:
  explicit Comparison(int upper) : upper_(upper) {}

  /// Compares what is in `dir`; gives the directories in it.
  Result<UpperDirs> look_into(std::shared_ptr<UpperDir> dir) {
    below_.clear();
    dir_ = std::move(dir);
    auto fd = open_in_root(upper_, dir_->path.empty() ? "." : dir_->path, Resolve::NoLinks,
                           O_RDONLY | O_DIRECTORY);
    if (!fd && is_no_directory(fd.error())) return UpperDirs();
    fd_ = TRY(std::move(fd));
    lower_ = TRY(MergedDir::open(dir_->layers, dir_->path));
    TRY(reader_
            .read(fd_.get(),
                  [this](const char* name, unsigned char type) { return see(name, type); })
            .context("{}", dir_->path));
    if (!dir_->path.empty() && !lower_.layers().empty()) TRY(report_hidden());
    return std::move(below_);
  }

  std::vector<FileChange> changes() { return std::move(changes_); }

 private:
  Result<void> see(const char* name, unsigned char type) {
    name_ = name;
    auto old = TRY(lower_.find(name_));
    // What is new needs no look, unless it may be a whiteout.
    if (!old && type != DT_UNKNOWN && type != DT_CHR) {
      report(ChangeKind::Added);
      return type == DT_DIR ? enter({}, true) : Result<void>();
    }
    struct stat st = {};
    if (::fstatat(fd_.get(), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
      return errno == ENOENT ? Result<void>() : Error::from_errno(errno, "lstat " + name_);
    if (is_whiteout(st)) {
      if (old) report(ChangeKind::Deleted);
      return {};
    }
    const bool is_changed = !old || differs(old->st, st) || TRY(capability_differs(*old, st));
    if (is_changed) report(old ? ChangeKind::Modified : ChangeKind::Added);
    if (!S_ISDIR(st.st_mode)) return {};
    return enter(old && S_ISDIR(old->st.st_mode) ? lower_.layers() : MergedDir::Layers(),
                 is_changed);
  }

  Result<void> enter(MergedDir::Layers layers, bool is_listed) {
    auto path = path_of_name();
    if (path.size() >= PATH_MAX)
      return Error(ErrorCode::InvalidArgument, fmt::format("path is longer than {} bytes: {}...",
                                                           PATH_MAX - 1, path.substr(0, 60)));
    auto dir = std::make_shared<UpperDir>();
    dir->above = dir_;
    dir->path = std::move(path);
    dir->layers = std::move(layers);
    dir->is_listed = is_listed;
    below_.push_back(std::move(dir));
    return {};
  }

  Result<bool> capability_differs(const MergedDir::Found& old, const struct stat& st) {
    if (!S_ISREG(st.st_mode)) return false;
    constexpr const char* kName = "security.capability";
    auto now = TRY(get_xattr(fd_.get(), name_, kName));
    auto before = TRY(get_xattr(old.dir, name_, kName));
    return now != before;
  }

  /// An opaque directory deletes what the lower one has and it has not.
  Result<void> report_hidden() {
    if (!TRY(is_opaque(fd_.get(), ""))) return {};
    for (auto& name : TRY(lower_.names())) {
      struct stat st = {};
      name_ = std::move(name);
      if (::fstatat(fd_.get(), name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
        report(ChangeKind::Deleted);
    }
    return {};
  }

  std::string path_of_name() const { return dir_->path.empty() ? name_ : dir_->path + '/' + name_; }

  /// Lists the current name, and the directories that it is in if they are not listed yet. Whoever
  /// sets the mark of a directory lists it, and goes on upwards.
  void report(ChangeKind kind) {
    std::string path;
    path.reserve(dir_->path.size() + name_.size() + 2);
    if (!dir_->path.empty()) path.append(1, '/').append(dir_->path);
    path.append(1, '/').append(name_);
    changes_.push_back({kind, std::move(path)});
    for (auto* d = dir_.get(); d->above && !d->is_listed.exchange(true); d = d->above.get())
      changes_.push_back({ChangeKind::Modified, '/' + d->path});
  }

  int upper_;
  DirReader reader_;
  std::vector<FileChange> changes_;

  // Of the directory at hand.
  std::shared_ptr<UpperDir> dir_;
  UniqueFd fd_;
  MergedDir lower_;
  UpperDirs below_;
  std::string name_;
};

/// The directories of a tree that are still to be compared, and the threads that do it: what costs
/// time is asking the kernel for each file.
class Comparisons {
 public:
  Comparisons(int upper, const MergedDir::Layers& layers) : upper_(upper) {
    auto root = std::make_shared<UpperDir>();
    root->layers = layers;
    todo_.push_back(std::move(root));
  }

  Result<std::vector<FileChange>> run() {
    {
      std::vector<std::jthread> helpers;
      work(&helpers);
    }
    if (error_) return *std::move(error_);
    std::sort(changes_.begin(), changes_.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(changes_);
  }

 private:
  /// Threads that would find nothing to do are not started, so only one of them has `helpers`.
  void work(std::vector<std::jthread>* helpers) {
    Comparison comparison(upper_);
    while (auto dir = next()) {
      if (helpers != nullptr && helpers->empty() && is_much()) {
        for (unsigned i = 1; i < std::min(processors(), kMaxThreads); i++)
          helpers->emplace_back([this] { work(nullptr); });
      }
      finish(comparison.look_into(std::move(dir)));
    }
    auto changes = comparison.changes();
    std::lock_guard lock(mutex_);
    if (changes_.empty()) changes_.swap(changes);
    std::move(changes.begin(), changes.end(), std::back_inserter(changes_));
  }

  /// Waits for a directory; null if none will come.
  std::shared_ptr<UpperDir> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return error_ || !todo_.empty() || working_ == 0; });
    if (error_ || todo_.empty()) return nullptr;
    auto dir = std::move(todo_.back());
    todo_.pop_back();
    working_++;
    return dir;
  }

  void finish(Result<UpperDirs> below) {
    std::lock_guard lock(mutex_);
    working_--;
    if (!below && !error_) error_ = std::move(below).error();
    if (below) std::move(below->begin(), below->end(), std::back_inserter(todo_));
    changed_.notify_all();
  }

  bool is_much() {
    std::lock_guard lock(mutex_);
    return todo_.size() >= kMuch;
  }

  static constexpr std::size_t kMuch = 16;  // directories
  static constexpr unsigned kMaxThreads = 4;

  const int upper_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  UpperDirs todo_;   // the last one is next: a tree keeps few waiting
  int working_ = 0;  // on a directory
  std::optional<Error> error_;
  std::vector<FileChange> changes_;
};

}  // namespace

Result<std::vector<FileChange>> changed_files(int upper, const MergedDir::Layers& layers) {
  return Comparisons(upper, layers).run();
}

Result<std::vector<FileChange>> container_changes(const Store& store, const std::string& id) {
  auto mount = TRY(store.layers().mount(id));
  auto upper = TRY(store.caches().open_diff(mount.mount_id));
  // All that the writable layer stands on: its own stack without itself.
  LayerBase base;
  base.lowers = TRY(store.caches().stack(mount.mount_id));
  base.lowers.erase(base.lowers.begin());
  std::vector<UniqueFd> layers;
  MergedDir::Layers fds;
  for (const auto& lower : base.lowers) {
    layers.push_back(TRY(open_dir(store.caches().dir(), lower)));
    fds.push_back(layers.back().get());
  }
  auto changes = changed_files(upper.get(), fds);
  if (changes || changes.error().code() != ErrorCode::Unsupported) return changes;
  auto lower = TRY(mount_base(store, base));
  return changed_files(upper.get(), {lower.get()});
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
