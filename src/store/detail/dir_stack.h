#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace strata::detail {

/// The directory that entries are being put into, and the way down to it, kept open: entries come
/// directory by directory, and a name that may be hostile is only ever used on its parent's
/// descriptor. No component may be a link. Beside each directory those of the donor trees that have
/// it too are opened, as far as they are asked for.
class DirStack {
 public:
  /// Borrows `root`.
  DirStack(int root, std::vector<UniqueFd> donors);

  enum class Missing : std::uint8_t { Refuse, Make };  // Make: 0755, owned by this process

  /// Makes `path` (clean, relative, "" is the root) the current directory. Conflict if a component
  /// is something else than a directory.
  Result<void> enter(std::string_view path, Missing missing);

  /// The current directory, O_PATH.
  int fd() const { return levels_.back().fd.get(); }
  const std::string& path() const { return path_; }
  /// New entries inherit its group, and directories its setgid bit.
  bool inherits_group() const { return levels_.back().inherits_group; }
  std::size_t donors() const { return donor_roots_.size(); }
  /// The same directory in a donor tree, for *at calls only; -1 if it has none.
  int donor(std::size_t index) { return donor_at(levels_.size() - 1, index); }

 private:
  /// A directory of a donor tree: nearly all files are found in the first one.
  struct Donor {
    UniqueFd fd;
    bool is_known = false;  // whether there is one
  };
  struct Level {
    UniqueFd fd;  // closed while too far above the current one
    bool inherits_group = false;
    std::vector<Donor> donors;    // of the root and until one is asked for: none
    std::size_t path_length = 0;  // of its own path
  };

  Result<void> push(std::string_view name, Missing missing);
  Result<void> reopen(Level& level);
  void close_far_level();
  int donor_at(std::size_t level, std::size_t index);
  UniqueFd open_donor(std::size_t level, std::size_t index);

  int root_;
  std::vector<UniqueFd> donor_roots_;
  std::vector<Level> levels_;  // the first is the root
  std::string path_;
};

}  // namespace strata::detail
