#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "store/detail/dir_stack.h"
#include "store/detail/file_writer.h"
#include "store/detail/metadata.h"
#include "tar/header.h"

namespace strata::detail {

/// Puts entries into a directory `diff` that nobody else changes. Paths are clean
/// (tar::clean_name), not empty, and stay inside whatever they say: no link is followed on the way.
/// Errors begin with the name of the entry.
class TreeWriter {
 public:
  enum class Order : std::uint8_t {
    Sorted,  // a walk: parents come first, nothing is there twice
    Any,     // an archive: missing parents are made; a whiteout or an empty directory is replaced
  };

  /// Borrows `diff` and `donors`, for which see FileWriter.
  TreeWriter(int diff, const std::vector<UniqueFd>& donors, Order order)
      : diff_(diff), dirs_(diff), files_(dirs_, metadata_, donors), order_(order) {}
  TreeWriter(const TreeWriter&) = delete;
  TreeWriter& operator=(const TreeWriter&) = delete;

  /// Makes anything but a regular file. `linkname` of a HardLink is the clean path of something
  /// that is there already, and no directory.
  Result<void> put(const tar::Entry& entry, const std::string& path);

  /// A regular file: begin_file(), its content in any pieces, end_file(). `entry` is borrowed.
  Result<void> begin_file(const tar::Entry& entry, const std::string& path,
                          FileWriter::Layout layout = FileWriter::Layout::Plain);
  Result<void> content(std::string_view bytes) {
    return named(files_.entry(), files_.write(bytes));
  }
  /// In place of content(): see FileWriter.
  Result<int> share(int source) { return files_.share(source); }
  Result<void> end_file() { return named(files_.entry(), files_.end()); }

  /// A regular file that a donor has with the same content and metadata: see FileWriter.
  Result<void> equal_file(const tar::Entry& entry, const std::string& path,
                          const FileWriter::Equal& equal, std::string_view content);

  /// Marks `path` as deleted; owner from `entry`. Conflict if this layer has such a file.
  Result<void> whiteout(const tar::Entry& entry, const std::string& path);
  /// Hides what lower layers have in the directory `path`, which may be "".
  Result<void> opaque(const tar::Entry& entry, const std::string& path);

  /// Sets the times of the directories that were put since the last call.
  Result<void> settle();

  /// Bytes, as docs/store.md 2.3 counts them.
  std::int64_t size() const { return size_; }

 private:
  Result<void> enter_parent(const std::string& path);
  Result<void> put_in_place(const tar::Entry& entry, const std::string& path);
  Result<void> make(const tar::Entry& entry, const std::string& path);
  Result<void> put_whiteout(const tar::Entry& entry, const std::string& path);
  Result<void> put_opaque(const std::string& path);
  Result<void> make_directory(const tar::Entry& entry, const std::string& path);
  Result<void> make_node(const tar::Entry& entry, mode_t type, dev_t device);
  Result<void> make_symlink(const tar::Entry& entry);
  Result<void> make_hard_link(const tar::Entry& entry);
  Result<void> clear_way();
  Result<void> open_file(const tar::Entry& entry, const std::string& path,
                         FileWriter::Layout layout);
  Result<void> put_equal_file(const tar::Entry& entry, const std::string& path,
                              const FileWriter::Equal& equal, std::string_view content);
  Result<void> named(const tar::Entry& entry, Result<void> done) const;
  Inode new_inode() const { return dirs_.inherits_group() ? Inode::Other : Inode::Plain; }

  int diff_;
  MetadataSetter metadata_;
  DirStack dirs_;
  FileWriter files_;
  Order order_;
  std::string name_;  // last component of the current entry, which is in dirs_
  std::vector<std::pair<std::string, Time>> unsettled_;  // directories
  std::int64_t size_ = 0;
};

}  // namespace strata::detail
