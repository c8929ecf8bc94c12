#pragma once

#include <fcntl.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/io.h"
#include "base/temp_dir.h"

namespace strata {

/// For the tests of every room: a directory of their own on a disk (/tmp may be a tmpfs, which has
/// no user.* attributes and carries no overlay), removed with all that is in it. Ends the test
/// program where none can be made.
class TestDir {
 public:
  /// `prefix` begins its name, which a test that leaves it behind is known by.
  explicit TestDir(std::string_view prefix)
      : dir_(*TempDir::create(open_dir(AT_FDCWD, kParent)->get(), prefix)) {}

  int fd() const { return dir_.fd(); }
  const std::string& name() const { return dir_.name(); }
  std::string path() const { return std::string(kParent) + '/' + dir_.name(); }

 private:
  static constexpr const char* kParent = "/var/tmp";
  TempDir dir_;
};

}  // namespace strata
