#pragma once

#include <string>
#include <vector>

#include "store/store.h"

namespace strata {

/// Something that a write or a removal which was cut off has left, and that nobody can need.
struct Remain {
  std::string path;  // below ROOT
  std::string what;  // "was left by an interrupted write"
};

/// All such files and directories, caches and layers apart (those are found by who uses them). In a
/// store where others write, what they are at is among it: to be removed only if it is ours alone.
Result<std::vector<Remain>> find_remains(const Store& store);

}  // namespace strata
