#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_stream.h"
#include "fs/walk.h"
#include "fs/xattr.h"
#include "tar/header.h"

namespace strata {

/// Gives the member that dockerd 28 makes of each file of a tree (docs/store.md, section 7, in the
/// form of 7.4: names relative, a directory's with "/" at the end, whiteouts as ".wh." files,
/// capabilities as the only extended attribute). One object for one walk: it knows which names are
/// hard links of earlier ones.
class TreeMembers {
 public:
  /// To be asked in the order of walk_tree(). Sockets have no member: do not ask for them.
  Result<tar::Entry> describe(const WalkEntry& file);
  /// The same for who knows the file's attributes (others than security.capability do not matter).
  Result<tar::Entry> describe(const WalkEntry& file, const std::vector<Xattr>& xattrs);

  /// Bytes of the files so far, each once however many names it has (docs/store.md, 2.3).
  std::int64_t size() const { return size_; }

 private:
  Result<tar::Entry> describe_inode(const WalkEntry& file);
  Result<void> describe_kind(const WalkEntry& file, tar::Entry& entry);

  std::unordered_map<ino_t, std::string> linked_;  // first names of files that have several
  std::int64_t size_ = 0;
};

/// The member behind that of a directory which hides those of the layers below.
tar::Entry opaque_mark(const tar::Entry& directory);

/// Writes all below the directory fd `root` as one tar, as `docker export` does. One pass. Files
/// that vanish meanwhile are passed over; one that changes its size is Corrupt.
Result<void> write_tree_tar(int root, const ByteSink& sink);

/// The same for the file or directory `name` of the directory fd `dir`, under the name `as`.
Result<void> write_file_tar(int dir, const std::string& name, const std::string& as,
                            const ByteSink& sink);

}  // namespace strata
