#include "store/detail/apply_tar.h"

#include <unordered_set>

#include "image/go_quote.h"
#include "tar/reader.h"

namespace strata::detail {
namespace {

constexpr std::string_view kMark = ".wh.";
constexpr std::string_view kOpaqueMark = ".wh..wh..opq";
constexpr std::string_view kOverlayXattr = "trusted.overlay.";

Error refused(const std::string& why) { return Error(ErrorCode::InvalidArgument, why); }

class Applier {
 public:
  Applier(ByteSource& tar, TreeWriter& tree, LayerRecorder& recorder)
      : reader_(tar), tree_(tree), recorder_(recorder) {}

  Result<void> run() {
    while (auto entry = TRY(reader_.next())) {
      TRY(recorder_.segment(reader_.raw()));
      TRY(named(*entry, apply(*entry)));
    }
    TRY(recorder_.segment(reader_.raw()));
    return reader_.read_rest([this](std::string_view rest) -> Result<void> {
      recorder_.cut();
      return recorder_.segment(rest);
    });
  }

 private:
  Result<void> named(const tar::Entry& entry, Result<void> done) {
    if (!done && !recorder_.has_failed_task())
      done.error().add_context("tar entry " + go_quote(entry.name));
    return done;
  }

  Result<void> apply(tar::Entry& entry) {
    auto path = TRY(tar::clean_name(entry.name));
    // dockerd's words. Rebuilt from tar-split, both would be what the last one left.
    if (!paths_.insert(path).second) return refused("duplicates of file paths not supported");
    if (entry.type == tar::EntryType::GlobalPax) return recorder_.file(entry.name, 0);
    if (path.empty()) return apply_root(entry);
    TRY(check_xattrs(entry));
    auto slash = path.rfind('/');
    auto base = slash == std::string::npos ? 0 : slash + 1;
    if (path.compare(base, kMark.size(), kMark) == 0) return apply_mark(entry, path, base);
    if (entry.type == tar::EntryType::Regular) return apply_file(entry, path);
    if (entry.type == tar::EntryType::HardLink)
      entry.linkname = TRY(tar::clean_name(entry.linkname));
    TRY(recorder_.file(entry.name, 0));
    return recorder_.then([&tree = tree_, entry, path] { return tree.put(entry, path); });
  }

  /// "./": dockerd does not apply its metadata either.
  Result<void> apply_root(const tar::Entry& entry) {
    if (entry.type != tar::EntryType::Directory) return refused("is the root of the layer");
    return recorder_.file(entry.name, 0);
  }

  /// They are how overlayfs says what is deleted, moved or elsewhere; a layer has marks for that.
  static Result<void> check_xattrs(const tar::Entry& entry) {
    for (const auto& [key, value] : entry.xattrs)
      if (key.compare(0, kOverlayXattr.size(), kOverlayXattr) == 0)
        return refused("attribute " + go_quote(key) + " is overlayfs's own");
    return {};
  }

  Result<void> apply_file(const tar::Entry& entry, const std::string& path) {
    TRY(recorder_.then([&tree = tree_, entry, path] { return tree.begin_file(entry, path); }));
    TRY(recorder_.file(entry.name, entry.size));
    TRY(recorder_.content(reader_, entry.size,
                          [&tree = tree_](std::string_view bytes) { return tree.content(bytes); }));
    return recorder_.then([&tree = tree_] { return tree.end_file(); });
  }

  /// `path` from `base` on begins with ".wh.".
  Result<void> apply_mark(const tar::Entry& entry, const std::string& path, std::size_t base) {
    auto directory = path.substr(0, base == 0 ? 0 : base - 1);
    auto hidden = path.substr(base + kMark.size());
    if (path.compare(base, std::string::npos, kOpaqueMark) == 0) {
      TRY(recorder_.then(
          [&tree = tree_, entry, directory] { return tree.opaque(entry, directory); }));
    } else if (hidden.empty() || hidden == "." || hidden == "..") {
      return refused("deletes no name");
    } else {
      TRY(recorder_.then([&tree = tree_, entry, deleted = path.substr(0, base) + hidden] {
        return tree.whiteout(entry, deleted);
      }));
    }
    return record_mark(entry);
  }

  /// A mark has no file that could hold content. If it has some, the tar-split takes it as it is:
  /// for dockerd, too, a file of size 0 is nothing to read, and a segment is copied.
  Result<void> record_mark(const tar::Entry& entry) {
    TRY(recorder_.file(entry.name, 0));
    std::string buffer(entry.size > 0 ? std::size_t{64} << 10 : 0, '\0');
    while (auto n = TRY(reader_.read(buffer)))
      TRY(recorder_.segment(std::string_view(buffer).substr(0, n)));
    return {};
  }

  tar::Reader reader_;
  TreeWriter& tree_;
  LayerRecorder& recorder_;
  std::unordered_set<std::string> paths_;  // clean names so far
};

}  // namespace

Result<void> apply_tar(ByteSource& tar, TreeWriter& tree, LayerRecorder& recorder) {
  return Applier(tar, tree, recorder).run();
}

}  // namespace strata::detail
