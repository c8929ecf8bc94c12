#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <string>

#include "base/io.h"
#include "base/temp_dir.h"

namespace strata {

/// For the benchmarks: a directory on the file system that is to be measured, that of TMPDIR (else
/// /tmp), removed with all that is in it. Ends the program where none can be made.
class ScratchDir {
 public:
  std::string path() const { return parent_ + '/' + dir_.name(); }

 private:
  static std::string parent() {
    const char* tmp = std::getenv("TMPDIR");
    return tmp != nullptr ? tmp : "/tmp";
  }

  std::string parent_ = parent();
  TempDir dir_ = *TempDir::create(open_dir(AT_FDCWD, parent_)->get(), "strata-bench-");
};

}  // namespace strata
