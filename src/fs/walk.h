#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "base/result.h"

namespace strata {

/// One name met by walk_tree(). Everything here is valid during the call only.
struct WalkEntry {
  int dir;                  // fd of the directory that holds it, for *at calls
  const std::string& name;  // last component
  const std::string& path;  // relative to the root of the walk, "a/b/c"
  const struct stat& st;    // of the entry itself, links not followed
};

enum class WalkStep : std::uint8_t {
  Enter,  // go on, into the entry if it is a directory
  Skip,   // go on, but not into this directory
};

/// Called for every entry; an error ends the walk and is its result.
using WalkVisitor = std::function<Result<WalkStep>(const WalkEntry&)>;

/// Visits all entries below the directory fd `root` (not `root` itself) depth first, a directory
/// before its content, the names of one directory in byte order. No link is followed. Mount points
/// are entered. Names that vanish meanwhile are passed over; names that appear may be missed.
///
/// Whatever the depth, at most 64 directories are open and no recursion is used. A path longer than
/// 4095 bytes (PATH_MAX, about 2000 levels) is InvalidArgument: nothing could open it by name.
Result<void> walk_tree(int root, const WalkVisitor& visit);

}  // namespace strata
