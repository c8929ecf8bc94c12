#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace strata {

/// One directory of the file system that overlayfs shows of a stack of layers, looked at without a
/// mount, which would make a dentry and an inode of its own for each name that is asked for
/// (Linux, Documentation/filesystems/overlayfs.rst). Only for looking; nothing is followed.
class MergedDir {
 public:
  /// Directory fds of the layers, borrowed, top first.
  using Layers = std::vector<int>;

  /// The directory `path` ("" is the root). If `path` is no directory there, no name is in it.
  /// Unsupported if a layer has moved it (redirect_dir), which takes overlayfs itself to follow.
  static Result<MergedDir> open(const Layers& layers, const std::string& path);

  /// Those layers whose directory `path` shows here: no other one shows in what lies below it.
  const Layers& layers() const { return layers_; }

  struct Found {
    struct stat st;
    int dir;  // fd of the directory that holds it, in its layer
  };
  /// What `name` is here; nullopt if no layer has it, or one deletes it.
  Result<std::optional<Found>> find(const std::string& name) const;

  /// The names in it, sorted as bytes.
  Result<std::vector<std::string>> names() const;

 private:
  Layers layers_;
  std::vector<UniqueFd> dirs_;  // of layers_
};

}  // namespace strata
