#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace strata::build {

/// A file below a root, links not followed.
struct SourceFile {
  std::string path;  // relative to the root, "a/b"; "" is the root itself
  mode_t mode = 0;   // type and permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::int64_t size = 0;  // bytes; of a link the length of its target
  Time mtime;
  Time ctime;        // of the last change of the inode; nobody can set it
  dev_t device = 0;  // of the file system
  ino_t inode = 0;
  nlink_t links = 0;
  dev_t rdev = 0;

  bool is_directory() const { return S_ISDIR(mode); }
  bool is_regular() const { return S_ISREG(mode); }
  bool is_link() const { return S_ISLNK(mode); }
  /// Last component of `path`.
  std::string_view name() const;
};

SourceFile make_source_file(std::string path, const struct stat& st);

/// The order of a walk: names of one directory in byte order, a directory before its content.
struct WalkOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

/// "a/b" is below "a", everything is below "".
bool is_below(std::string_view path, std::string_view directory);
/// The rest of a path that is below `directory`: "b/c" of "a/b/c" and "a".
inline std::string_view path_below(std::string_view path, std::string_view directory) {
  return path.substr(directory.empty() ? 0 : directory.size() + 1);
}

}  // namespace strata::build
