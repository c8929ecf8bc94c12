#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/fd.h"

namespace strata {

/// A path inside a root, as a user typed it: how it ends counts, as in docker.
struct TypedPath {
  std::string parent;         // absolute
  std::string name;           // "." for the root
  bool is_directory = false;  // it ends with "/" or "/."
  bool contents = false;      // it ends with "/."

  static TypedPath cut(std::string path);
};

/// A file below a root: the directory that holds it, and what it is.
struct FoundFile {
  UniqueFd dir;
  std::string name;
  std::optional<struct stat> st;  // none: there is no such file, but the directory is there
};

/// Nothing on the way leads out of `root`. A link at the end is followed if `follow`, or if what
/// was typed can only mean a directory. NotFound if the directory is not there; InvalidArgument
/// after ten links.
Result<FoundFile> find_typed(int root, TypedPath path, bool follow);

}  // namespace strata
