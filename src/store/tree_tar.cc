#include "store/tree_tar.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <memory>

#include "base/io.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "tar/writer.h"

namespace strata {
namespace {

constexpr const char* kFileCapability = "security.capability";
constexpr std::size_t kTreeBuffer = std::size_t{256} << 10;

/// The attribute as archives carry it: version 3, which also names a user namespace, becomes
/// version 2 (struct vfs_cap_data, linux/capability.h).
std::string flat_capability(std::string value) {
  constexpr std::size_t kVersion2 = 20;  // bytes
  if (value.size() > kVersion2 && value[3] == 3) {
    value[3] = 2;
    value.resize(kVersion2);
  }
  return value;
}

class TreeTar {
 public:
  explicit TreeTar(const ByteSink& sink) : sink_(sink), buffer_(new char[kTreeBuffer]) {}

  Result<void> add(const WalkEntry& file) {
    auto entry = TRY(members_.describe(file));
    if (entry.type != tar::EntryType::Regular || entry.size == 0) return put_header(entry);
    auto fd = open_at(file.dir, file.name, O_RDONLY | O_NOFOLLOW);
    if (!fd && fd.error().code() == ErrorCode::NotFound) return {};
    if (!fd) return std::move(fd).error();
    TRY(put_header(entry));
    TRY(put_content(fd->get(), entry.size));
    return sink_(tar::padding(entry.size));
  }

 private:
  Result<void> put_header(const tar::Entry& entry) {
    header_.clear();
    TRY(tar::append_header(header_, entry));
    return sink_(header_);
  }

  Result<void> put_content(int fd, std::int64_t size) {
    while (size > 0) {
      auto want = std::min(kTreeBuffer, static_cast<std::size_t>(size));
      auto n = TRY(read_full(fd, buffer_.get(), want));
      if (n < want) return Error(ErrorCode::Corrupt, "the file became shorter while it was read");
      TRY(sink_({buffer_.get(), n}));
      size -= static_cast<std::int64_t>(n);
    }
    return {};
  }

  const ByteSink& sink_;
  TreeMembers members_;
  std::string header_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace

Result<tar::Entry> TreeMembers::describe(const WalkEntry& file) {
  auto entry = TRY(describe_inode(file));
  if (S_ISREG(file.st.st_mode)) {
    if (auto capability = TRY(get_xattr(file.dir, file.name, kFileCapability)))
      entry.xattrs.emplace_back(kFileCapability, flat_capability(*std::move(capability)));
  }
  return entry;
}

Result<tar::Entry> TreeMembers::describe(const WalkEntry& file, const std::vector<Xattr>& xattrs) {
  auto entry = TRY(describe_inode(file));
  if (!S_ISREG(file.st.st_mode)) return entry;
  for (const auto& [name, value] : xattrs)
    if (name == kFileCapability) entry.xattrs.emplace_back(name, flat_capability(value));
  return entry;
}

Result<tar::Entry> TreeMembers::describe_inode(const WalkEntry& file) {
  tar::Entry entry;
  entry.name = file.path;
  entry.mode = file.st.st_mode & 07777;
  entry.uid = file.st.st_uid;
  entry.gid = file.st.st_gid;
  entry.mtime = {file.st.st_mtim.tv_sec, static_cast<std::int32_t>(file.st.st_mtim.tv_nsec)};
  if (is_whiteout(file.st)) {
    entry.name.insert(entry.name.size() - file.name.size(), ".wh.");
    entry.mode = 0600;
    return entry;
  }
  TRY(describe_kind(file, entry));
  return entry;
}

Result<void> TreeMembers::describe_kind(const WalkEntry& file, tar::Entry& entry) {
  using enum tar::EntryType;
  const auto mode = file.st.st_mode;
  if (S_ISDIR(mode)) {
    entry.type = Directory;
    entry.name += '/';
    return {};
  }
  std::string target;  // before anything is noted: the link may be gone
  if (S_ISLNK(mode)) target = TRY(read_link_at(file.dir, file.name));
  if (file.st.st_nlink > 1) {
    auto [first, is_first] = linked_.try_emplace(file.st.st_ino, file.path);
    if (!is_first) {
      entry.type = HardLink;
      entry.linkname = first->second;
      return {};
    }
  }
  size_ += file.st.st_size;
  if (S_ISREG(mode)) {
    entry.size = file.st.st_size;
  } else if (S_ISLNK(mode)) {
    entry.type = Symlink;
    entry.linkname = std::move(target);
  } else {
    entry.type = S_ISCHR(mode) ? CharDevice : S_ISBLK(mode) ? BlockDevice : Fifo;
    entry.dev_major = major(file.st.st_rdev);
    entry.dev_minor = minor(file.st.st_rdev);
  }
  return {};
}

tar::Entry opaque_mark(const tar::Entry& directory) {
  tar::Entry mark;
  mark.name = directory.name + ".wh..wh..opq";
  mark.mode = directory.mode & 0777;
  mark.uid = directory.uid;
  mark.gid = directory.gid;
  return mark;
}

Result<void> write_tree_tar(int root, const ByteSink& sink) {
  TreeTar tar(sink);
  auto visit = [&tar](const WalkEntry& file) -> Result<WalkStep> {
    if (!S_ISSOCK(file.st.st_mode)) TRY(tar.add(file).context("{}", file.path));
    return WalkStep::Enter;
  };
  TRY(walk_tree(root, visit));
  return sink(tar::end_marker());
}

Result<void> write_file_tar(int dir, const std::string& name, const std::string& as,
                            const ByteSink& sink) {
  TreeTar tar(sink);
  struct stat st = TRY(stat_at(dir, name));
  TRY(tar.add({dir, name, as, st}).context("{}", as));
  if (S_ISDIR(st.st_mode)) {
    auto root = TRY(open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    auto visit = [&](const WalkEntry& file) -> Result<WalkStep> {
      const std::string path = as + "/" + file.path;
      if (!S_ISSOCK(file.st.st_mode))
        TRY(tar.add({file.dir, file.name, path, file.st}).context("{}", path));
      return WalkStep::Enter;
    };
    TRY(walk_tree(root.get(), visit));
  }
  return sink(tar::end_marker());
}

}  // namespace strata
