#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "tar/header.h"

namespace strata::detail {

/// Files of other layers, the donors, that may be those that a new layer needs. Beside the
/// directory of the last file that was asked for, those of the donors are kept open, and the way
/// down to them, as far as they were needed. One thread at a time.
class DonorFiles {
 public:
  /// Borrows `roots`, the directories `diff`.
  explicit DonorFiles(const std::vector<UniqueFd>& roots) : roots_(roots), levels_(1) {}

  struct Found {
    UniqueFd fd;        // for reading
    std::size_t donor;  // its index
    ino_t inode;
  };
  /// The first file `name` of the directory `path` that is not empty and has the size, mode, owner,
  /// time and xattrs of `entry`, but for those whose inodes `skip` says yes to.
  using Skip = std::function<bool(ino_t)>;
  std::optional<Found> find(std::string_view path, const std::string& name, const tar::Entry& entry,
                            const Skip& skip = {});

  /// The file `name` of the directory `path` of the first donor, if it is not empty and has the
  /// size, mode, owner and time of `entry`.
  std::optional<Found> find_known(std::string_view path, const std::string& name,
                                  const tar::Entry& entry);

  /// The directory `path` in a donor, for *at calls only; -1 if it has none.
  int directory(std::string_view path, std::size_t donor);

 private:
  struct Directory {
    UniqueFd fd;
    bool is_known = false;  // whether there is one
  };
  struct Level {
    std::size_t path_length = 0;  // of its own path
    /// In all donors; of the root, of what is far above and until one is asked for: none.
    std::vector<Directory> directories;
  };

  std::optional<Found> open_like(std::size_t donor, std::string_view path, const std::string& name,
                                 const tar::Entry& entry, const Skip& skip);
  void enter(std::string_view path);
  int at(std::size_t level, std::size_t donor);
  UniqueFd open(std::size_t level, std::size_t donor);

  const std::vector<UniqueFd>& roots_;
  std::vector<Level> levels_;  // the first is the root
  std::string path_;
};

}  // namespace strata::detail
