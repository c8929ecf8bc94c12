#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace strata {

/// The directory of the entry at hand in a tree that is walked in parallel to another one, kept
/// open between entries of one directory. No link is followed.
class DirCursor {
 public:
  /// Borrows `root`.
  explicit DirCursor(int root) : root_(root) {}

  /// O_PATH descriptor of the directory that would hold `path`; -1 if this tree has none there.
  Result<int> directory_of(std::string_view path) {
    auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return root_;
    auto parent = path.substr(0, slash);
    if (parent == parent_) return fd_ ? fd_.get() : -1;
    auto fd = open_in_root(root_, std::string(parent), Resolve::NoLinks, O_PATH | O_DIRECTORY);
    if (!fd) {
      int error = fd.error().sys_errno();
      if (error != ENOENT && error != ENOTDIR && error != ELOOP) return std::move(fd).error();
    }
    parent_ = parent;
    fd_ = fd ? *std::move(fd) : UniqueFd();
    return fd_ ? fd_.get() : -1;
  }

 private:
  int root_;
  std::string parent_;
  UniqueFd fd_;
};

}  // namespace strata
