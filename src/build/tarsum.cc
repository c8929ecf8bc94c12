#include "build/tarsum.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "fs/xattr.h"

namespace strata::build {
namespace {

constexpr std::size_t kReadSize = std::size_t{256} << 10;  // bytes

char type_flag(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return '5';
    case S_IFLNK:
      return '2';
    case S_IFCHR:
      return '3';
    case S_IFBLK:
      return '4';
    case S_IFIFO:
      return '6';
    default:
      return '0';
  }
}

}  // namespace

Hasher begin_tarsum(const TarsumHeader& h) {
  std::string text;
  auto field = [&](std::string_view key, std::string_view value) {
    text.append(key).append(value);
  };
  auto number = [&](std::string_view key, std::int64_t value) {
    field(key, std::to_string(value));
  };
  field("name", h.name);
  number("mode", h.mode);
  number("uid", h.uid);
  number("gid", h.gid);
  number("size", h.size);
  field("typeflag", std::string_view(&h.type, 1));
  field("linkname", h.linkname);
  field("uname", h.uname);
  field("gname", h.gname);
  number("devmajor", h.major);
  number("devminor", h.minor);
  for (const auto& [key, value] : h.xattrs) field(key, value);
  Hasher hasher;
  hasher.update(text);
  return hasher;
}

Result<TarsumHeader> Tarsums::header(const SourceFile& file) const {
  TarsumHeader h;
  h.name = file.path;
  if (file.is_directory()) h.name += '/';
  h.mode = file.mode & 07777;
  if (owner_ == SumOwner::Real) {
    h.uid = file.uid;
    h.gid = file.gid;
  }
  h.type = type_flag(file.mode);
  if (file.is_regular()) h.size = file.size;
  if (file.is_link()) h.linkname = TRY(tree_.read_link(file));
  if (S_ISCHR(file.mode) || S_ISBLK(file.mode)) {
    h.major = major(file.rdev);
    h.minor = minor(file.rdev);
  }
  return h;
}

Result<Digest> Tarsums::compute(const SourceTree& tree, const SourceFile& file) const {
  auto hasher = begin_tarsum(TRY(header(file)));
  if (file.is_regular()) {
    auto fd = TRY(tree.open(file));
    thread_local std::vector<char> buffer(kReadSize);
    FdSource source(fd.get());
    while (std::size_t n = TRY(source.read(buffer))) {
      if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
      hasher.update(buffer.data(), n);
    }
  }
  return hasher.finish();
}

Result<void> Tarsums::compute_all(const std::vector<SourceFile>& files) {
  // Threads take the next file each; the tree of each has its own cached directory descriptor.
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards sums_ and error
  std::optional<Error> error;
  auto work = [&] {
    SourceTree tree(tree_.root(), {});
    for (std::size_t i = next++; i < files.size(); i = next++) {
      auto sum = compute(tree, files[i]);
      std::lock_guard lock(mutex);
      if (sum) {
        sums_[files[i].path] = *sum;
      } else {
        if (!error) error = std::move(sum).error();
        next = files.size();
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    std::size_t helpers =
        std::min<std::size_t>(std::thread::hardware_concurrency(), files.size() / 8);
    for (std::size_t i = 1; i < helpers; i++) threads.emplace_back(work);
    work();
  }
  if (error) return *std::move(error);
  return {};
}

Result<std::string> Tarsums::member(const SourceFile& file) {
  if (file.is_directory() && tree_.ignored(file.path)) return file.path;
  SourceFile target = file;
  if (file.is_link()) {
    auto found = tree_.find(file.path);
    if (!found) {
      if (found.error().code() == ErrorCode::NotFound) return file.path;  // dangling or ignored
      return std::move(found).error();
    }
    target = *std::move(found);
    if (target.path.empty()) return file.path;  // the root has no entry
  }
  auto known = sums_.find(target.path);
  if (known == sums_.end()) known = sums_.emplace(target.path, TRY(compute(tree_, target))).first;
  return known->second.hex();
}

Result<std::string> Tarsums::of(const SourceFile& file, const dockerfile::IgnoreMatcher& exclude) {
  if (!file.is_directory()) return "file:" + TRY(member(file));
  auto listing = TRY(tree_.list(file.path));
  auto left_out = [&](const SourceFile& f) {
    return exclude.ignored(path_below(f.path, file.path));
  };
  std::vector<SourceFile> missing;
  for (const auto& f : listing)
    if (f.is_regular() && !left_out(f) && !sums_.contains(f.path)) missing.push_back(f);
  TRY(compute_all(missing));

  std::vector<std::string> members;
  if (!file.path.empty()) members.push_back(TRY(member(file)));
  for (const auto& f : listing)
    if (!left_out(f)) members.push_back(TRY(member(f)));
  std::sort(members.begin(), members.end());
  Hasher hasher;
  for (std::size_t i = 0; i < members.size(); i++) {
    if (i > 0) hasher.update(",");
    hasher.update(members[i]);
  }
  return "dir:" + hasher.finish().hex();
}

std::string Tarsums::combine(const std::vector<std::string>& sums) {
  if (sums.size() == 1) return sums[0];
  std::string joined;
  for (const auto& sum : sums) joined += (joined.empty() ? "" : ",") + sum;
  return "multi:" + sha256(joined).hex();
}

}  // namespace strata::build
