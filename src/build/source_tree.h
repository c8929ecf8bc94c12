#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "build/listing.h"
#include "build/source_file.h"
#include "dockerfile/ignore_file.h"

namespace strata::build {

/// The one extended attribute that files bring along.
inline constexpr const char* kCapability = "security.capability";

/// What COPY and ADD take from: the build context, or the root of another image. Paths are
/// relative to its root, which no spelling and no link leaves. Any thread.
class SourceTree {
 public:
  /// `root` is borrowed. Files that `ignored` covers do not exist for it.
  SourceTree(int root, dockerfile::IgnoreMatcher ignored)
      : root_(root), ignored_(std::move(ignored)) {}

  int root() const { return root_; }

  /// The file that `path` leads to, links followed inside the root; its `path` is the resolved one.
  /// NotFound if it is absent or ignored.
  Result<SourceFile> find(std::string_view path);

  /// The paths that match a pattern of COPY (Go's filepath.Match on the whole path), in the order
  /// of a walk. A bad pattern matches nothing.
  Result<std::vector<std::string>> glob(std::string_view pattern);

  /// Everything below the directory `path`, in the order of a walk; valid as long as the tree.
  Result<Listing> list(const std::string& path);

  /// Whether the ignore patterns cover `path`. A listing has such a directory all the same if a "!"
  /// pattern brings something below it back; docker's client sends no entry for it then.
  bool ignored(std::string_view path) const { return hidden(path); }
  /// Whether they cover `path` and, if it is a directory, all that could lie below it.
  bool left_out(std::string_view path) const { return !path.empty() && ignored_.may_prune(path); }

  /// The target of the link `file`.
  Result<std::string> read_link(const SourceFile& file) const;
  /// Opens a regular file of this tree for reading.
  Result<UniqueFd> open(const SourceFile& file) const;
  /// Whether the file behind `fd` is what `file` says, after it was read. Conflict otherwise: "a:
  /// file changed while it was read".
  static Result<void> check_unchanged(int fd, const SourceFile& file);

 private:
  /// Whether `file` exists for the user: an ignored directory does if something below it does.
  Result<bool> visible(const SourceFile& file);
  struct Part;
  Result<std::vector<SourceFile>> walk(const std::string& path) const;
  Result<Stretches> walk_in_parts(const std::string& path) const;
  Result<std::vector<Part>> parts_of(const std::string& path) const;
  Result<void> walk_all(std::vector<Part>& parts) const;
  bool hidden(std::string_view path) const { return !path.empty() && ignored_.ignored(path); }

  int root_;
  dockerfile::IgnoreMatcher ignored_;
  std::mutex listings_mutex_;                  // guards listings_, which only grow
  std::map<std::string, Stretches> listings_;  // by directory
  mutable std::mutex open_mutex_;              // guards what follows
  mutable std::string open_dir_;               // directory of the last open()
  mutable UniqueFd open_dir_fd_;
};

/// Where a path leads inside a root, links followed as in a chroot.
struct Resolved {
  std::string path;                // without links, "." and ".."; "" is the root
  std::optional<SourceFile> file;  // absent if nothing is there
};

/// Missing components are kept as they are. InvalidArgument after 255 links ("too many levels of
/// symbolic links"), or when a component that must be a directory is something else.
Result<Resolved> resolve_links(int root, std::string_view path);

}  // namespace strata::build
