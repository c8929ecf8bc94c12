#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace strata::detail {

/// Whether `directory` is the directory `path` itself or above it.
bool is_on_the_way(std::string_view directory, std::string_view path);

/// The directory that entries are being put into, and the way down to it, kept open: entries come
/// directory by directory, and a name that may be hostile is only ever used on its parent's
/// descriptor. No component may be a link.
class DirStack {
 public:
  /// Borrows `root`.
  explicit DirStack(int root);

  enum class Missing : std::uint8_t { Refuse, Make };  // Make: 0755, owned by this process

  /// Makes `path` (clean, relative, "" is the root) the current directory. Conflict if a component
  /// is something else than a directory.
  Result<void> enter(std::string_view path, Missing missing);

  /// The current directory, O_PATH.
  int fd() const { return levels_.back().fd.get(); }
  const std::string& path() const { return path_; }
  /// New entries inherit its group, and directories its setgid bit.
  bool inherits_group() const { return levels_.back().inherits_group; }

 private:
  struct Level {
    UniqueFd fd;  // closed while too far above the current one
    bool inherits_group = false;
    std::size_t path_length = 0;  // of its own path
  };

  Result<void> push(std::string_view name, Missing missing);
  Result<void> reopen(Level& level);
  void close_far_level();

  int root_;
  std::vector<Level> levels_;  // the first is the root
  std::string path_;
};

}  // namespace strata::detail
