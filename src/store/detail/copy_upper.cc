#include "store/detail/copy_upper.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/io.h"
#include "fs/walk.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"
#include "store/tree_tar.h"
#include "tar/writer.h"

namespace strata::detail {
namespace {

constexpr std::int64_t kWorthSharing = std::int64_t{128} << 10;  // else waiting for it costs more

bool goes_along(std::string_view xattr) {
  return !xattr.starts_with("trusted.overlay.") || xattr == kOpaqueXattr;
}

/// Gives `size` bytes of a file that may change meanwhile: what it lacks is zeros.
class SteadySource final : public ByteSource {
 public:
  SteadySource(int fd, std::int64_t size) : file_(fd), left_(size) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    auto wanted = buffer.first(std::min(buffer.size(), static_cast<std::size_t>(left_)));
    if (wanted.empty()) return std::size_t{0};
    auto n = TRY(file_.read(wanted));
    if (n == 0) {
      std::fill(wanted.begin(), wanted.end(), '\0');
      n = wanted.size();
    }
    left_ -= static_cast<std::int64_t>(n);
    return n;
  }

 private:
  FdSource file_;
  std::int64_t left_;
};

/// A file of the upper directory, as far as it must be looked at before anything is made of it.
struct Source {
  UniqueFd fd;       // of a regular file
  tar::Entry entry;  // its member
  std::vector<Xattr> xattrs;
};

/// Its container need not see that it was read, and its inode is not to be written for that.
Result<UniqueFd> open_file(const WalkEntry& w) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  auto fd = open_at(w.dir, w.name, kFlags | O_NOATIME);
  return fd || fd.error().sys_errno() != EPERM ? std::move(fd) : open_at(w.dir, w.name, kFlags);
}

/// The tasks that it leaves to `out` outlive it.
class UpperCopy {
 public:
  UpperCopy(TreeWriter& tree, LayerRecorder& out) : tree_(tree), out_(out) {}

  Result<WalkStep> visit(const WalkEntry& w) {
    if (S_ISSOCK(w.st.st_mode)) return WalkStep::Skip;
    auto source = look(w);
    if (!source && source.error().sys_errno() == ENOENT) return WalkStep::Skip;
    auto done = source ? copy(w, *source) : Result<void>(std::move(source).error());
    if (!done && !out_.has_failed_task()) done.error().add_context(w.path);
    TRY(std::move(done));
    return WalkStep::Enter;
  }

 private:
  Result<Source> look(const WalkEntry& w) {
    Source source;
    if (S_ISREG(w.st.st_mode)) {
      source.fd = TRY(open_file(w));
      source.xattrs = TRY(list_xattrs(source.fd.get(), "", goes_along));
    } else {
      source.xattrs = TRY(list_xattrs(w.dir, w.name, goes_along));
    }
    source.entry = TRY(members_.describe(w, source.xattrs));
    return source;
  }

  Result<void> copy(const WalkEntry& w, Source& source) {
    const auto& entry = source.entry;
    TRY(out_.member(entry));
    auto made = entry;
    if (is_whiteout(w.st))
      return out_.then([&tree = tree_, made, path = w.path] { return tree.whiteout(made, path); });
    const bool is_opaque = std::find(source.xattrs.begin(), source.xattrs.end(),
                                     Xattr(kOpaqueXattr, "y")) != source.xattrs.end();
    // The other names of a file have its attributes by its first one.
    made.xattrs.clear();
    if (entry.type != tar::EntryType::HardLink) made.xattrs = std::move(source.xattrs);
    if (entry.type == tar::EntryType::Regular) return copy_file(w, std::move(made), source.fd);
    TRY(out_.then(
        [&tree = tree_, made = std::move(made), path = w.path] { return tree.put(made, path); }));
    return is_opaque ? out_.member(opaque_mark(entry)) : Result<void>();
  }

  Result<void> copy_file(const WalkEntry& w, tar::Entry made, const UniqueFd& from) {
    const auto size = made.size;
    const auto layout = FileWriter::layout_of(w.st);
    TRY(out_.then([&tree = tree_, made = std::move(made), path = w.path, layout] {
      return tree.begin_file(made, path, layout);
    }));
    const int shared = size >= kWorthSharing ? TRY(share(from.get())) : -1;
    SteadySource source(shared >= 0 ? shared : from.get(), size);
    TRY(out_.content(source, size, shared >= 0 ? ByteSink() : lay_));
    TRY(out_.then([&tree = tree_] { return tree.end_file(); }));
    return out_.segment(tar::padding(size));
  }

  Result<int> share(int from) {
    if (!can_share_) return -1;
    TRY(out_.wait());
    auto shared = tree_.share(from);
    if (shared || shared.error().code() != ErrorCode::Unsupported) return shared;
    can_share_ = false;
    return -1;
  }

  TreeWriter& tree_;
  LayerRecorder& out_;
  const ByteSink lay_ = [&tree = tree_](std::string_view bytes) { return tree.content(bytes); };
  TreeMembers members_;
  bool can_share_ = true;  // as far as we know
};

}  // namespace

Result<void> copy_upper(int upper, TreeWriter& tree, LayerRecorder& recorder) {
  UpperCopy copy(tree, recorder);
  return walk_tree(upper, [&copy](const WalkEntry& w) { return copy.visit(w); });
}

}  // namespace strata::detail
