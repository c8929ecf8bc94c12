#include "build/copy_plan.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "base/io.h"
#include "fs/xattr.h"
#include "tar/crc64.h"

namespace strata::build {
namespace {

constexpr std::int64_t kBlock = 4096;  // bytes, of most file systems

/// The content of one file, as much as it had when it was looked at: what has come since is for
/// check_unchanged() to see. Opened when it is first read. Hashed for the cache key and the memo on
/// the way, if asked for.
class ContentSource final : public ByteSource {
 public:
  using Tell = std::function<void(std::int64_t bytes)>;

  ContentSource(const SourceTree& tree, const SourceFile& file, Tell tell,
                const std::stop_token& stop)
      : tree_(tree), file_(file), left_(file.size), tell_(std::move(tell)), stop_(stop) {}
  void sum_with(Hasher hasher) { hasher_.emplace(std::move(hasher)); }
  void count_crc() { crc_ = 0; }
  /// What was asked for, when all is read.
  Digest sum() { return hasher_->finish(); }
  std::optional<std::uint64_t> crc() const { return crc_; }

  /// For who needs it before it is read.
  Result<int> open() {
    if (!is_open()) fd_ = TRY(tree_.open(file_));
    return fd_.get();
  }
  bool is_open() const { return fd_.get() >= 0; }
  Result<void> check_unchanged() const { return SourceTree::check_unchanged(fd_.get(), file_); }

  Result<std::size_t> read(std::span<char> buffer) override {
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    if (left_ == 0) return std::size_t{0};  // without asking the kernel
    FdSource source(TRY(open()));
    std::size_t n = TRY(source.read(buffer));
    if (hasher_) hasher_->update(buffer.data(), n);
    if (crc_) crc_ = tar::crc64({buffer.data(), n}, *crc_);
    tell_(static_cast<std::int64_t>(n));
    left_ -= std::min(left_, static_cast<std::int64_t>(n));
    return n;
  }

 private:
  const SourceTree& tree_;
  const SourceFile& file_;
  UniqueFd fd_;
  std::int64_t left_;  // bytes
  Tell tell_;
  const std::stop_token& stop_;
  std::optional<Hasher> hasher_;
  std::optional<std::uint64_t> crc_;
};

}  // namespace

CopyPlan::Meta::Meta(const SourceFile& file)
    : mode(file.mode),
      uid(file.uid),
      gid(file.gid),
      size(file.size),
      mtime(file.mtime),
      rdev(file.rdev) {}

Result<tar::Entry> CopyPlan::make_entry(const std::string& path, const Meta& meta) {
  tar::Entry e;
  e.name = path;
  e.mode = meta.mode & 07777;
  e.uid = meta.uid;
  e.gid = meta.gid;
  e.mtime = {meta.mtime.seconds, 0};  // as a tar holds it: whole seconds
  switch (meta.mode & S_IFMT) {
    case S_IFREG:
      e.type = tar::EntryType::Regular;
      e.size = meta.size;
      break;
    case S_IFDIR:
      e.type = tar::EntryType::Directory;
      break;
    case S_IFLNK:
      e.type = tar::EntryType::Symlink;
      break;
    case S_IFIFO:
      e.type = tar::EntryType::Fifo;
      break;
    case S_IFCHR:
    case S_IFBLK:
      e.type = S_ISCHR(meta.mode) ? tar::EntryType::CharDevice : tar::EntryType::BlockDevice;
      e.dev_major = major(meta.rdev);
      e.dev_minor = minor(meta.rdev);
      break;
    default:
      return Error(ErrorCode::Unsupported, fmt::format("{}: cannot be part of a layer", path));
  }
  return e;
}

Result<std::optional<SourceFile>> CopyPlan::in_image(const std::string& path) const {
  if (image_root_ < 0) {
    if (!path.empty()) return std::optional<SourceFile>();
    SourceFile root;
    root.mode = S_IFDIR | 0755;
    return std::optional(root);
  }
  auto fd =
      open_in_root(image_root_, path.empty() ? "." : path, Resolve::NoLinks, O_PATH | O_NOFOLLOW);
  if (!fd) {
    // ELOOP: a link on the way, so not a name of the image's real tree.
    if (fd.error().code() == ErrorCode::NotFound || fd.error().sys_errno() == ELOOP)
      return std::optional<SourceFile>();
    return std::move(fd).error();
  }
  struct stat st = {};
  if (::fstat(fd->get(), &st) < 0) return Error::from_errno(errno, "stat /" + path);
  return std::optional(make_source_file(path, st));
}

Result<Resolved> CopyPlan::resolve(const std::string& destination) const {
  if (image_root_ >= 0) return resolve_links(image_root_, destination);
  auto nowhere = TRY(open_dir(AT_FDCWD, "/proc/self/fdinfo"));  // has no names that are paths
  Resolved r = TRY(resolve_links(nowhere.get(), destination));
  r.file.reset();
  if (r.path.empty()) r.file = TRY(in_image(""));
  return r;
}

CopyPlan::Meta CopyPlan::changed(const SourceFile& file) const {
  Meta meta(file);
  if (rules_.owner) {
    meta.uid = rules_.owner->uid;
    meta.gid = rules_.owner->gid;
  }
  if (rules_.mode && !file.is_link())
    meta.mode = (file.mode & S_IFMT) | rules_.mode->apply(file.mode);
  return meta;
}

void CopyPlan::put(const std::string& path, Item item) {
  // A listing comes in this order.
  const bool is_last = items_.empty() || WalkOrder()(items_.rbegin()->first, path);
  auto it = is_last ? items_.end() : items_.lower_bound(path);
  if (it != items_.end() && it->first == path) {
    bool directories = it->second.meta.is_directory() && item.meta.is_directory();
    it->second = std::move(item);
    if (directories) return;
    // A file in the place of a directory that an earlier source brought: its content goes too.
    auto last = std::next(it);
    while (last != items_.end() && is_below(last->first, path)) ++last;
    items_.erase(std::next(it), last);
    return;
  }
  items_.emplace_hint(it, path, std::move(item));
}

Result<void> CopyPlan::add_parents(const std::string& path, const Owner& owner) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    std::string directory = path.substr(0, slash);
    if (auto known = items_.find(directory); known != items_.end()) {
      if (known->second.meta.is_directory()) continue;
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("cannot copy to non-directory: /{}", directory));
    }
    Item item;
    auto existing = TRY(in_image(directory));
    if (existing) {
      if (!existing->is_directory())
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("cannot copy to non-directory: /{}", directory));
      item.origin = Origin::Image;
      item.meta = Meta(*existing);
    } else {
      item.origin = Origin::Made;
      item.meta.mode = S_IFDIR | 0755;
      item.meta.uid = owner.uid;
      item.meta.gid = owner.gid;
      item.meta.mtime = kZeroTime;  // set by finish()
    }
    put(directory, std::move(item));
  }
  return {};
}

Result<void> CopyPlan::add(SourceTree& tree, const CopySource& source,
                           const std::string& destination, bool as_directory) {
  auto target = TRY(resolve(destination));
  Owner owner = rules_.owner.value_or(Owner());
  if (rules_.parents && !source.name.empty()) {
    std::string inside = target.path.empty() ? "" : target.path + '/';
    TRY(add_parents(inside, owner));
    TRY(add_source_parents(tree, source, inside));
    return source.file.is_directory() ? add_tree(tree, source.file, inside + source.name)
                                      : add_file(tree, source.file, inside + source.name);
  }
  if (source.file.is_directory()) {
    if (target.file && !target.file->is_directory())
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("cannot copy to non-directory: /{}", target.path));
    return add_tree(tree, source.file, target.path);
  }
  std::string path = target.path;
  if (as_directory || (target.file && target.file->is_directory()))
    path += (path.empty() ? "" : "/") + source.name;
  if (path.empty())
    return Error(ErrorCode::InvalidArgument, "cannot replace to directory / with file");
  TRY(add_parents(path, owner));
  return add_file(tree, source.file, path);
}

/// The directories on the way to the source, and itself if it is one, with their modes in the
/// source.
Result<void> CopyPlan::add_source_parents(SourceTree& tree, const CopySource& source,
                                          const std::string& inside) {
  std::string names = source.name + (source.file.is_directory() ? "/" : "");
  for (auto end = names.find('/'); end != std::string::npos; end = names.find('/', end + 1)) {
    std::string part = names.substr(0, end);
    TRY(add_parents(inside + part + '/', Owner()));
    auto& item = items_.find(inside + part)->second;
    if (item.origin != Origin::Made) continue;
    auto directory = TRY(tree.find(source.front + part));
    item.meta = changed(directory);
    item.meta.mtime = {directory.mtime.seconds, 0};
  }
  return {};
}

Result<void> CopyPlan::add_file(SourceTree& tree, const SourceFile& file, const std::string& path) {
  owned_.push_back(std::make_unique<SourceFile>(file));
  put(path, Item{Origin::Source, changed(file), &tree, owned_.back().get()});
  return {};
}

Result<void> CopyPlan::add_tree(SourceTree& tree, const SourceFile& top, const std::string& path) {
  if (!path.empty()) {
    TRY(add_parents(path + '/', Owner()));  // the slash: `path` itself is one of them
    auto& item = items_.find(path)->second;
    if (item.origin == Origin::Made && rules_.owner) {
      item.meta.uid = rules_.owner->uid;
      item.meta.gid = rules_.owner->gid;
    }
    if (item.origin == Origin::Made) item.meta.mtime = {top.mtime.seconds, 0};
  }
  std::string absent;  // a directory that the image has not, and so nothing below it
  for (const auto& file : TRY(tree.list(top.path))) {
    std::string relative(path_below(file.path, top.path));
    if (rules_.exclude.ignored(relative)) continue;
    std::string target = path.empty() ? relative : path + '/' + relative;
    if (file.is_directory() && (absent.empty() || !is_below(target, absent))) {
      auto existing = TRY(in_image(target));
      if (!existing) absent = target;
      if (existing && !existing->is_directory())
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("cannot copy to non-directory: /{}", target));
    }
    put(target, Item{Origin::Source, changed(file), &tree, &file});
  }
  return {};
}

Result<Time> CopyPlan::newest_in_root() const {
  Time newest{};
  if (image_root_ < 0) return newest;
  for (const auto& name : TRY(list_dir(image_root_))) {
    auto st = TRY(stat_at(image_root_, name));
    newest = std::max(newest, Time{st.st_mtim.tv_sec, 0});
  }
  return newest;
}

Result<bool> CopyPlan::add_directory(const std::string& path, const Owner& owner) {
  auto target = TRY(resolve(path));
  if (target.file && !target.file->is_directory())
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("Cannot mkdir: {} is not a directory", path));
  if (target.file) return false;
  TRY(add_parents(target.path + '/', owner));
  Time above = TRY(newest_in_root());
  for (auto& [name, item] : items_) {
    if (item.origin == Origin::Made) item.meta.mtime = above;
    above = item.meta.mtime;
  }
  return true;
}

Result<std::string> CopyPlan::add_place(const std::string& path) {
  auto target = TRY(resolve(path));
  if (target.path.empty()) return std::string();
  TRY(add_parents(target.path + '/', Owner()));
  auto& item = items_.find(target.path)->second;
  if (item.origin == Origin::Made) item.meta.mtime = TRY(newest_in_root());
  item.origin = Origin::Source;  // stays, although nothing of the plan goes into it
  return target.path;
}

void CopyPlan::finish() {
  // From the last to the first: what is below a directory has been seen before it.
  struct Below {
    bool changed = false;
    Time newest = kZeroTime;
  };
  std::map<std::string, Below, std::less<>> below;
  for (auto it = items_.end(); it != items_.begin();) {
    --it;
    auto& item = it->second;
    Below inside;
    if (auto node = below.extract(it->first)) inside = node.mapped();
    if (item.origin == Origin::Image && !inside.changed) {
      it = items_.erase(it);
      continue;
    }
    if (item.origin == Origin::Made && inside.newest > kZeroTime) item.meta.mtime = inside.newest;
    auto slash = it->first.rfind('/');
    if (slash == std::string::npos) continue;
    auto& above = below[it->first.substr(0, slash)];
    above.changed = true;
    Time own =
        item.origin == Origin::Image ? inside.newest : std::max(inside.newest, item.meta.mtime);
    above.newest = std::max(above.newest, own);
  }
}

struct CopyPlan::Writing {
  LayerWriter& layer;
  const Sums& sums;
  const TellCopied& told;
  const std::stop_token& stop;
  Copied copied;
  std::map<std::pair<dev_t, ino_t>, std::string> linked;  // first name of files with several

  void tell_read(std::int64_t bytes) { tell(bytes, bytes); }
  void tell_linked(std::int64_t bytes) { tell(bytes, kBlock); }
  void tell(std::int64_t bytes, std::int64_t dirtied) {
    copied.bytes += bytes;
    copied.dirtied += dirtied;
    if (told) told(copied);
  }
};

Result<void> CopyPlan::write(LayerWriter& layer, const Sums& sums, const TellCopied& tell,
                             const std::stop_token& stop) const {
  Writing to{layer, sums, tell, stop, {}, {}};
  for (const auto& [path, item] : items_) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    TRY(write_item(to, path, item));
  }
  return layer.begin_settling();
}

Result<void> CopyPlan::write_item(Writing& to, const std::string& path, const Item& item) const {
  auto entry = TRY(make_entry(path, item.meta));  // its errors and the layer's name the entry
  if (rules_.time && (item.origin != Origin::Image || entry.mtime > *rules_.time))
    entry.mtime = *rules_.time;
  if (item.from == nullptr) return to.layer.add(entry);
  const SourceFile& file = *item.from;
  if (file.links > 1 && !file.is_directory() && !rules_.split_links) {
    auto [first, fresh] = to.linked.try_emplace({file.device, file.inode}, path);
    if (!fresh) {
      entry.type = tar::EntryType::HardLink;
      entry.size = 0;
      entry.linkname = first->second;
      return to.layer.add(entry);  // FileStep::text() records it
    }
  }
  if (file.is_link()) entry.linkname = TRY(item.tree->read_link(file).context("{}", file.path));
  if (!file.is_regular()) return to.layer.add(entry);
  return write_content(to, std::move(entry), item);
}

/// A file that has not changed since it was laid down in the known layer need not be read. It had
/// no capability then, so it has none now.
Result<void> CopyPlan::write_known(Writing& to, const tar::Entry& entry, const Item& item,
                                   std::uint64_t crc) {
  ContentSource content(
      *item.tree, *item.from, [&to](std::int64_t n) { to.tell_read(n); }, to.stop);
  TRY(to.layer.add_known(entry, crc, content));
  if (content.is_open()) return content.check_unchanged();
  to.tell_linked(entry.size);
  return {};
}

Result<void> CopyPlan::write_content(Writing& to, tar::Entry entry, const Item& item) {
  const SourceFile& file = *item.from;
  auto* sums = to.sums.of != nullptr && to.sums.of->are_of(item.tree) ? to.sums.of : nullptr;
  auto known = sums != nullptr ? sums->recall(file) : std::nullopt;
  if (known && known->crc && known->noted_from <= to.sums.note_number)
    return write_known(to, entry, item, *known->crc);

  ContentSource content(
      *item.tree, file, [&to](std::int64_t n) { to.tell_read(n); }, to.stop);
  int fd = TRY(content.open().context("{}", file.path));
  auto capability = TRY(get_xattr(fd, "", kCapability).context("{}", file.path));
  if (capability) entry.xattrs.emplace_back(kCapability, *std::move(capability));
  // A memo is told of every file that it has no CRC of, also if it will not take it: an older one
  // of that path is not what is laid down here.
  const bool is_news = sums != nullptr && (!known || (sums->has_memo() && !known->crc));
  if (is_news && !known) content.sum_with(begin_tarsum(TRY(sums->header(file))));
  if (is_news && sums->has_memo() && entry.xattrs.empty()) content.count_crc();
  TRY(to.layer.add(entry, &content));
  TRY(content.check_unchanged());
  if (is_news)
    sums->remember(file, {known ? known->sum : content.sum(), content.crc()}, to.sums.step_number);
  return {};
}

}  // namespace strata::build
