#include "build/source_tree.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include "base/io.h"
#include "base/parallel.h"
#include "dockerfile/glob.h"
#include "fs/walk.h"

namespace strata::build {
namespace {

constexpr int kMaxLinks = 255;  // as Go's filepath-securejoin

/// "a//b/./c" -> {a, b, c}; ".." stays.
std::deque<std::string> split_path(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    auto slash = path.find('/');
    auto part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

std::string path_in(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + '/' + name;
}

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

Result<UniqueFd> open_directory(int root, const std::string& path) {
  return open_in_root(root, path.empty() ? "." : path, Resolve::NoLinks, O_PATH | O_DIRECTORY);
}

bool is_absent(const Error& e) { return e.code() == ErrorCode::NotFound; }

}  // namespace

Result<Resolved> resolve_links(int root, std::string_view path) {
  auto todo = split_path(path);
  Resolved at;
  int links = 0;
  bool missing = false;
  while (!todo.empty()) {
    std::string part = std::move(todo.front());
    todo.pop_front();
    if (part == "..") {
      at.path = parent_of(at.path);
      continue;
    }
    std::string next = path_in(at.path, part);
    if (missing) {
      at.path = std::move(next);
      continue;
    }
    auto dir = TRY(open_directory(root, at.path));
    auto st = stat_at(dir.get(), part);
    if (!st) {
      if (!is_absent(st.error())) return std::move(st).error();
      missing = true;
      at.path = std::move(next);
    } else if (S_ISLNK(st->st_mode)) {
      if (++links > kMaxLinks)
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: too many levels of symbolic links", path));
      auto target = TRY(read_link_at(dir.get(), part));
      if (target.starts_with('/')) at.path.clear();
      auto parts = split_path(target);
      todo.insert(todo.begin(), parts.begin(), parts.end());
    } else {
      if (!todo.empty() && !S_ISDIR(st->st_mode))
        return Error(ErrorCode::InvalidArgument, fmt::format("/{}: not a directory", next));
      at.path = std::move(next);
    }
  }
  if (missing) return at;
  auto dir = TRY(open_directory(root, parent_of(at.path)));
  struct stat st = {};
  if (at.path.empty()) {
    if (::fstat(dir.get(), &st) < 0) return Error::from_errno(errno, "stat root directory");
  } else {
    auto found = stat_at(dir.get(), at.path.substr(at.path.rfind('/') + 1));
    if (!found && is_absent(found.error())) return at;  // ".." behind something missing
    if (!found) return std::move(found).error();
    st = *found;
  }
  at.file = make_source_file(at.path, st);
  return at;
}

Result<bool> SourceTree::visible(const SourceFile& file) {
  if (!hidden(file.path)) return true;
  if (!file.is_directory() || ignored_.may_prune(file.path)) return false;
  auto below = TRY(list(file.path));
  return !below.empty();
}

Result<SourceFile> SourceTree::find(std::string_view path) {
  Error absent(ErrorCode::NotFound, fmt::format("stat {}: file does not exist", path));
  auto resolved = resolve_links(root_, path);
  if (!resolved) {
    if (resolved.error().code() == ErrorCode::InvalidArgument || is_absent(resolved.error()))
      return absent;
    return std::move(resolved).error();
  }
  if (!resolved->file) return absent;
  bool exists = TRY(visible(*resolved->file));
  if (!exists) return absent;
  return *std::move(resolved->file);
}

namespace {

/// What lies below the directory `path`.
Listing below(const Stretches& all, std::string_view path) {
  WalkOrder before;
  auto stretch = std::partition_point(
      all.begin(), all.end(), [&](const auto& files) { return !before(path, files.back().path); });
  auto index = static_cast<std::size_t>(stretch - all.begin());
  if (stretch == all.end()) return {{&all, index, 0}, {&all, index, 0}};
  auto file = std::partition_point(stretch->begin(), stretch->end(),
                                   [&](const auto& f) { return !before(path, f.path); });
  Listing::Iterator first(&all, index, static_cast<std::size_t>(file - stretch->begin()));
  return {first, std::find_if_not(first, Listing(all).end(),
                                  [&](const SourceFile& f) { return is_below(f.path, path); })};
}

}  // namespace

Result<Listing> SourceTree::list(const std::string& path) {
  std::lock_guard lock(listings_mutex_);  // so that two stages do not walk the same
  if (auto known = listings_.find(path); known != listings_.end()) return Listing(known->second);
  if (auto all = listings_.find(""); all != listings_.end()) return below(all->second, path);
  return Listing(listings_[path] = TRY(walk_in_parts(path)));
}

Result<std::vector<SourceFile>> SourceTree::walk(const std::string& path) const {
  auto root =
      TRY(open_in_root(root_, path.empty() ? "." : path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
  std::string above = path.empty() ? "" : path + '/';
  std::vector<SourceFile> files;
  files.reserve(32);
  std::vector<SourceFile> held;  // ignored directories that something below may need
  TRY(walk_tree(root.get(), [&](const WalkEntry& e) -> Result<WalkStep> {
    std::string full;
    full.reserve(above.size() + e.path.size());
    auto file = make_source_file(std::move(full.append(above).append(e.path)), e.st);
    while (!held.empty() && !is_below(file.path, held.back().path)) held.pop_back();
    if (S_ISSOCK(e.st.st_mode)) return WalkStep::Skip;  // no layer can hold one
    if (hidden(file.path)) {
      if (!file.is_directory() || ignored_.may_prune(file.path)) return WalkStep::Skip;
      held.push_back(std::move(file));
      return WalkStep::Enter;
    }
    for (auto& directory : held) files.push_back(std::move(directory));
    held.clear();
    files.push_back(std::move(file));
    return WalkStep::Enter;
  }));
  return files;
}

/// A stretch of a walk: a file, and if it is a directory what lies below it.
struct SourceTree::Part {
  SourceFile file;
  bool held = false;  // ignored: only there if something below it is
  bool open = false;  // what lies below is another part's
  std::vector<SourceFile> below;
};

/// The names of one directory, each a part.
Result<std::vector<SourceTree::Part>> SourceTree::parts_of(const std::string& path) const {
  auto dir =
      TRY(open_in_root(root_, path.empty() ? "." : path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY));
  auto names = TRY(list_dir(dir.get()));
  std::sort(names.begin(), names.end());
  std::vector<Part> parts;
  for (const auto& name : names) {
    auto st = stat_at(dir.get(), name);
    if (!st && is_absent(st.error())) continue;  // gone meanwhile
    if (!st) return std::move(st).error();
    if (S_ISSOCK(st->st_mode)) continue;
    Part part{make_source_file(path_in(path, name), *st), false, false, {}};
    part.held = hidden(part.file.path);
    if (part.held && (!part.file.is_directory() || ignored_.may_prune(part.file.path))) continue;
    parts.push_back(std::move(part));
  }
  return parts;
}

/// What costs time in a walk is asking the kernel for each file: threads take a directory each.
Result<Stretches> SourceTree::walk_in_parts(const std::string& path) const {
  constexpr std::size_t kEnough = 16;  // directories, to keep all threads busy
  constexpr int kLevels = 3;
  constexpr std::size_t kOwnStretch = 64;  // files that are not worth moving
  auto is_task = [](const Part& p) { return p.file.is_directory() && !p.open; };
  auto parts = TRY(parts_of(path));
  for (int level = 1; level < kLevels; level++) {
    auto tasks = std::count_if(parts.begin(), parts.end(), is_task);
    if (tasks == 0 || static_cast<std::size_t>(tasks) >= kEnough) break;
    std::vector<Part> finer;
    for (auto& part : parts) {
      bool split = is_task(part) && !part.held;
      auto inner = split ? TRY(parts_of(part.file.path)) : std::vector<Part>();
      part.open = part.open || split;
      finer.push_back(std::move(part));
      std::move(inner.begin(), inner.end(), std::back_inserter(finer));
    }
    parts = std::move(finer);
  }
  TRY(walk_all(parts));
  Stretches stretches;
  std::vector<SourceFile> single;  // files between large directories
  auto end_single = [&] {
    if (!single.empty()) stretches.push_back(std::exchange(single, {}));
  };
  for (auto& part : parts) {
    if (part.held && part.below.empty()) continue;
    single.push_back(std::move(part.file));
    if (part.below.size() >= kOwnStretch) {
      end_single();
      stretches.push_back(std::move(part.below));
    } else {
      std::move(part.below.begin(), part.below.end(), std::back_inserter(single));
    }
  }
  end_single();
  return stretches;
}

Result<void> SourceTree::walk_all(std::vector<Part>& parts) const {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards error
  std::optional<Error> error;
  auto work = [&] {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      if (!parts[i].file.is_directory() || parts[i].open) continue;
      auto below = walk(parts[i].file.path);
      if (below) {
        parts[i].below = *std::move(below);
        continue;
      }
      std::lock_guard lock(mutex);
      if (!error) error = std::move(below).error();
      next = parts.size();
    }
  };
  constexpr std::size_t kFew = 4;  // parts that are not worth a thread
  {
    std::vector<std::jthread> threads;
    if (parts.size() > kFew)
      for (unsigned i = 1; i < std::min(processors(), 8U); i++) threads.emplace_back(work);
    work();
  }
  if (error) return *std::move(error);
  return {};
}

Result<std::vector<std::string>> SourceTree::glob(std::string_view pattern) {
  auto compiled = dockerfile::Glob::compile(pattern);
  if (!compiled) return std::vector<std::string>();
  // Names before the first one with a wildcard are literal: only that directory is walked.
  std::string directory;
  for (const auto& part : split_path(pattern)) {
    if (part.find_first_of("*?[\\") != std::string::npos) break;
    directory = path_in(directory, part);
  }
  auto start = find(directory);
  if (!start) {
    if (is_absent(start.error())) return std::vector<std::string>();
    return std::move(start).error();
  }
  if (!start->is_directory()) return std::vector<std::string>();
  std::vector<std::string> matches;
  std::string under = directory.empty() ? "" : directory + '/';
  for (const auto& file : TRY(list(start->path))) {
    // As the user named the directory, even when a link led elsewhere.
    std::string named = under + file.path.substr(start->path.empty() ? 0 : start->path.size() + 1);
    if (compiled->matches(named)) matches.push_back(std::move(named));
  }
  return matches;
}

Result<std::string> SourceTree::read_link(const SourceFile& file) const {
  auto dir = TRY(open_directory(root_, parent_of(file.path)));
  return read_link_at(dir.get(), std::string(file.name()));
}

Result<UniqueFd> SourceTree::open(const SourceFile& file) const {
  auto directory = parent_of(file.path);
  std::lock_guard lock(open_mutex_);
  if (!open_dir_fd_ || directory != open_dir_) {
    open_dir_fd_ = TRY(open_directory(root_, directory));
    open_dir_ = std::move(directory);
  }
  return open_at(open_dir_fd_.get(), std::string(file.name()),
                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
}

Result<void> SourceTree::check_unchanged(int fd, const SourceFile& file) {
  struct stat st = {};
  if (::fstat(fd, &st) < 0) return Error::from_errno(errno, "stat " + file.path);
  auto now = make_source_file("", st);
  // A name more or less changes the ctime too, and nothing that is read.
  bool same = now.size == file.size && now.mtime == file.mtime && now.inode == file.inode &&
              (now.ctime == file.ctime || now.links != file.links);
  if (same) return {};
  return Error(ErrorCode::Conflict, fmt::format("{}: file changed while it was read", file.path));
}

}  // namespace strata::build
