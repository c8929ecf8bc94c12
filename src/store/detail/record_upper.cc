#include "store/detail/record_upper.h"

#include <sys/sysmacros.h>

#include <cerrno>
#include <climits>
#include <unordered_map>

#include "base/io.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "tar/writer.h"

namespace strata::detail {
namespace {

constexpr const char* kCapability = "security.capability";

Result<std::string> read_link(int dir, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  ssize_t n = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  if (n < 0) return Error::from_errno(errno, "readlink " + name);
  target.resize(static_cast<std::size_t>(n));
  return target;
}

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

class Recorder {
 public:
  Recorder(int diff, LayerRecorder& out) : diff_(diff), out_(out) {}

  Result<std::int64_t> run() {
    auto visit = [this](const WalkEntry& w) -> Result<WalkStep> {
      if (!S_ISSOCK(w.st.st_mode)) TRY(record(w).context("{}", w.path));
      return WalkStep::Enter;
    };
    TRY(walk_tree(diff_, visit));
    return size_;
  }

 private:
  Result<void> record(const WalkEntry& w) {
    auto entry = TRY(describe(w));
    TRY(record_header(entry));
    if (entry.type == tar::EntryType::Regular && entry.size > 0) return record_content(w, entry);
    if (entry.type == tar::EntryType::Directory && TRY(is_opaque(w.dir, w.name)))
      return record_opaque(entry);
    return {};
  }

  Result<tar::Entry> describe(const WalkEntry& w) {
    tar::Entry entry;
    entry.name = w.path;
    entry.mode = w.st.st_mode & 07777;
    entry.uid = w.st.st_uid;
    entry.gid = w.st.st_gid;
    entry.mtime = {w.st.st_mtim.tv_sec, static_cast<std::int32_t>(w.st.st_mtim.tv_nsec)};
    if (is_whiteout(w.st)) {
      entry.name.insert(entry.name.size() - w.name.size(), ".wh.");
      entry.mode = 0600;
      return entry;
    }
    TRY(describe_kind(w, entry));
    if (S_ISREG(w.st.st_mode)) {
      if (auto capability = TRY(get_xattr(w.dir, w.name, kCapability)))
        entry.xattrs.emplace_back(kCapability, flat_capability(*std::move(capability)));
    }
    return entry;
  }

  Result<void> describe_kind(const WalkEntry& w, tar::Entry& entry) {
    using enum tar::EntryType;
    if (S_ISDIR(w.st.st_mode)) {
      entry.type = Directory;
      entry.name += '/';
      return {};
    }
    if (w.st.st_nlink > 1) {
      auto [first, is_first] = linked_.try_emplace(w.st.st_ino, w.path);
      if (!is_first) {
        entry.type = HardLink;
        entry.linkname = first->second;
        return {};
      }
    }
    size_ += w.st.st_size;
    if (S_ISREG(w.st.st_mode)) {
      entry.size = w.st.st_size;
    } else if (S_ISLNK(w.st.st_mode)) {
      entry.type = Symlink;
      entry.linkname = TRY(read_link(w.dir, w.name));
    } else {
      entry.type = S_ISCHR(w.st.st_mode) ? CharDevice : S_ISBLK(w.st.st_mode) ? BlockDevice : Fifo;
      entry.dev_major = major(w.st.st_rdev);
      entry.dev_minor = minor(w.st.st_rdev);
    }
    return {};
  }

  Result<void> record_header(const tar::Entry& entry) {
    header_.clear();
    TRY(tar::append_header(header_, entry));
    TRY(out_.segment(header_));
    return out_.file(entry.name, entry.size);
  }

  Result<void> record_content(const WalkEntry& w, const tar::Entry& entry) {
    auto fd = TRY(open_at(w.dir, w.name, O_RDONLY | O_NOFOLLOW));
    FdSource source(fd.get());
    TRY(out_.content(source, entry.size, [](std::string_view) { return Result<void>(); }));
    return out_.segment(tar::padding(entry.size));
  }

  Result<void> record_opaque(const tar::Entry& directory) {
    tar::Entry mark;
    mark.name = directory.name + ".wh..wh..opq";
    mark.mode = directory.mode & 0777;
    mark.uid = directory.uid;
    mark.gid = directory.gid;
    return record_header(mark);
  }

  int diff_;
  LayerRecorder& out_;
  std::string header_;
  std::unordered_map<ino_t, std::string> linked_;  // first names of files that have several
  std::int64_t size_ = 0;
};

}  // namespace

Result<std::int64_t> record_upper(int diff, LayerRecorder& recorder) {
  auto size = TRY(Recorder(diff, recorder).run());
  TRY(recorder.segment(tar::end_marker()));
  return size;
}

}  // namespace strata::detail
