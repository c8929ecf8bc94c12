#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/fd.h"
#include "base/write_back.h"
#include "store/detail/dir_stack.h"
#include "store/detail/donor_files.h"
#include "store/detail/metadata.h"
#include "tar/header.h"

namespace strata::detail {

/// Writes regular files, or links those that a donor tree has at the same path with equal content,
/// mode, owner, mtime and xattrs. The content is compared while it comes; nothing is written as
/// long as it is the same.
///
/// What a sparse file has as holes is passed over; where the file system can share blocks, those of
/// a copy are (share()).
///
/// An inode of a donor gets one name in this tree at most. So no two names become one file that
/// were two, and nobody changes metadata that other layers share.
class FileWriter {
 public:
  enum class Layout : std::uint8_t { Plain, Sparse };
  /// Of a file that is there.
  static Layout layout_of(const struct stat& st);

  /// Borrows all; `donors` are their directories `diff`.
  FileWriter(DirStack& dirs, const MetadataSetter& metadata, const std::vector<UniqueFd>& donors)
      : dirs_(dirs), metadata_(metadata), donors_(donors) {}

  /// The file `name` of the current directory, which must not exist: EEXIST, unless there is a
  /// candidate. The content follows by write() in any pieces.
  Result<void> begin(const std::string& name, const tar::Entry& entry, Layout layout);
  Result<void> write(std::string_view bytes);
  Result<void> end();
  /// The last begin() found a file of a donor that may be linked, and has made nothing yet.
  bool has_candidate() const { return candidate_.has_value(); }

  /// A file of a donor, at the path of the entry that comes.
  struct Equal {
    std::size_t donor;  // its index
    ino_t inode;
    std::shared_ptr<const UniqueFd> file;  // open, or null
  };
  /// In place of all that: the file `name` as a link of `equal`, of which somebody knows that it is
  /// what is wanted. Where no link is to be had, the open file is copied; without one,
  /// `content` is written.
  Result<void> put_equal(const std::string& name, const tar::Entry& entry, const Equal& equal,
                         std::string_view content);

  /// After begin(), in place of write(): takes the blocks of `source`. Gives a descriptor, borrowed
  /// until end(), of what that gave; -1 if the content must come to be compared. Unsupported if the
  /// file system shares no blocks. In both cases nothing was done.
  Result<int> share(int source);
  /// What the last begin() was told.
  const tar::Entry& entry() const { return entry_; }

  /// To be called before the file gets a second name: replaces it by a copy if a donor has it too.
  Result<void> make_own(int dir, const std::string& name, const struct stat& st);

 private:
  Result<bool> candidate_goes_on_with(std::string_view bytes);
  bool link(const Equal& equal);
  Result<void> write_instead();
  char* scratch();

  DirStack& dirs_;
  const MetadataSetter& metadata_;
  DonorFiles donors_;
  std::string name_;
  tar::Entry entry_;
  Layout layout_ = Layout::Plain;
  UniqueFd out_;  // not open while a candidate fits
  std::optional<DonorFiles::Found> candidate_;
  std::int64_t done_ = 0;  // bytes of content that have come
  WriteBack write_back_;
  std::unique_ptr<char[]> scratch_;
  std::unordered_set<ino_t> shared_;  // inodes linked from donors
};

}  // namespace strata::detail
