#include "build/tarsum.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/parallel.h"

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

/// The sum of a directory: the hex digits of its members' sums, or what stands for them, sorted as
/// texts with commas between.
Digest combine_members(std::vector<Digest> sums, std::vector<std::string> texts) {
  std::sort(sums.begin(), sums.end());  // in the order of their hex digits
  std::sort(texts.begin(), texts.end());
  Hasher hasher;
  std::string buffer;
  auto add = [&](std::string_view text, bool first) {
    if (!first) buffer += ',';
    buffer += text;
    if (buffer.size() < kReadSize) return;
    hasher.update(buffer);
    buffer.clear();
  };
  auto text = texts.begin();
  bool first = true;
  for (const auto& sum : sums) {
    auto hex = sum.hex();
    for (; text != texts.end() && *text < hex; ++text, first = false) add(*text, first);
    add(hex, first);
    first = false;
  }
  for (; text != texts.end(); ++text, first = false) add(*text, first);
  hasher.update(buffer);
  return hasher.finish();
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
  if (!file.is_regular()) return hasher.finish();
  auto fd = TRY(tree.open(file));
  thread_local std::vector<char> buffer(kReadSize);
  FdSource source(fd.get());
  while (std::size_t n = TRY(source.read(buffer))) {
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    hasher.update(buffer.data(), n);
  }
  TRY(SourceTree::check_unchanged(fd.get(), file));
  return hasher.finish();
}

void Tarsums::remember(const SourceFile& file, const Known& known, std::uint64_t step_number) {
  std::lock_guard lock(mutex_);
  bool is_recorded =
      memo_ != nullptr && file.is_regular() && memo_->record(file, known, step_number);
  if (!is_recorded) sums_[file.path] = {known.sum, file.inode, file.ctime};
}

std::uint64_t Tarsums::begin_step() {
  std::lock_guard lock(mutex_);
  return memo_ != nullptr ? memo_->begin_step() : 0;
}

std::vector<Tarsums::Laid> Tarsums::laid_by(const Digest& step) {
  std::lock_guard lock(mutex_);
  return memo_ != nullptr ? memo_->laid_by(step) : std::vector<Laid>();
}

void Tarsums::note(const Digest& step, const Laid& laid) {
  std::lock_guard lock(mutex_);
  if (memo_ != nullptr) memo_->note(step, laid);
}

void Tarsums::forget(const Laid& laid) {
  std::lock_guard lock(mutex_);
  if (memo_ != nullptr) memo_->forget(laid);
}

void Tarsums::save() {
  std::lock_guard lock(mutex_);
  if (memo_ != nullptr) memo_->save();
}

Result<std::vector<Digest>> Tarsums::compute_all(const std::vector<const SourceFile*>& files) {
  std::vector<Digest> sums(files.size());
  // Threads take the next file each; the tree of each has its own cached directory descriptor.
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;  // guards error
  std::optional<Error> error;
  auto work = [&] {
    SourceTree tree(tree_.root(), {});
    for (std::size_t i = next++; i < files.size(); i = next++) {
      auto sum = compute(tree, *files[i]);
      if (sum) {
        remember(*files[i], {*sum, std::nullopt});
        sums[i] = *sum;
        continue;
      }
      std::lock_guard lock(mutex);
      if (!error) error = std::move(sum).error();
      next = files.size();
    }
  };
  {
    std::vector<std::jthread> threads;
    std::size_t helpers = std::min<std::size_t>(processors(), files.size() / 8);
    for (std::size_t i = 1; i < helpers; i++) threads.emplace_back(work);
    work();
  }
  if (error) return *std::move(error);
  return sums;
}

std::optional<Tarsums::Known> Tarsums::recall(const SourceFile& file) {
  std::lock_guard lock(mutex_);
  if (auto known = sums_.find(file.path); known != sums_.end())
    if (const auto& own = known->second; own.inode == file.inode && own.ctime == file.ctime)
      return Known{own.sum, std::nullopt};
  return memo_ != nullptr && file.is_regular() ? memo_->find(file) : std::nullopt;
}

Result<Tarsums::Member> Tarsums::member(const SourceFile& file) {
  if (file.is_directory() && tree_.ignored(file.path)) return Member{std::nullopt, file.path};
  const SourceFile* target = &file;
  SourceFile followed;
  if (file.is_link()) {
    auto found = tree_.find(file.path);
    if (!found) {
      // dangling or ignored
      if (found.error().code() == ErrorCode::NotFound) return Member{std::nullopt, file.path};
      return std::move(found).error();
    }
    followed = *std::move(found);
    if (followed.path.empty()) return Member{std::nullopt, file.path};  // the root has no entry
    target = &followed;
  }
  auto known = recall(*target);
  if (!known) {
    known = Known{TRY(compute(tree_, *target)), std::nullopt};
    remember(*target, *known);
  }
  return Member{known->sum, ""};
}

Result<std::string> Tarsums::of(const SourceFile& file, const dockerfile::IgnoreMatcher& exclude) {
  std::lock_guard lock(of_mutex_);
  if (!file.is_directory()) {
    auto one = TRY(member(file));
    return "file:" + (one.sum ? one.sum->hex() : one.text);
  }
  auto listing = TRY(tree_.list(file.path));
  std::vector<Digest> sums;        // of most members
  std::vector<std::string> texts;  // of the others
  std::vector<const SourceFile*> missing;
  auto add = [&](const SourceFile& f) -> Result<void> {
    auto one = TRY(member(f));
    if (one.sum)
      sums.push_back(*one.sum);
    else
      texts.push_back(std::move(one.text));
    return {};
  };
  if (!file.path.empty()) TRY(add(file));
  for (const auto& f : listing) {
    if (exclude.ignored(path_below(f.path, file.path))) continue;
    if (!f.is_regular()) {
      TRY(add(f));
    } else if (auto known = recall(f)) {
      sums.push_back(known->sum);
    } else {
      missing.push_back(&f);
    }
  }
  for (auto& sum : TRY(compute_all(missing))) sums.push_back(std::move(sum));
  return "dir:" + combine_members(std::move(sums), std::move(texts)).hex();
}

std::string Tarsums::combine(const std::vector<std::string>& sums) {
  if (sums.size() == 1) return sums[0];
  std::string joined;
  for (const auto& sum : sums) joined += (joined.empty() ? "" : ",") + sum;
  return "multi:" + sha256(joined).hex();
}

}  // namespace strata::build
