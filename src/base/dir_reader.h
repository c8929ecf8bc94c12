#pragma once

#include <functional>
#include <memory>

#include "base/result.h"

namespace strata {

/// Reads directories, one after the other, with a buffer of its own. Not by readdir(3), which asks
/// four questions more of each directory.
class DirReader {
 public:
  DirReader();
  DirReader(const DirReader&) = delete;
  DirReader& operator=(const DirReader&) = delete;
  ~DirReader();

  /// A name, valid during the call only, and what the file system says that it is: one of
  /// readdir(3)'s DT_ values, DT_UNKNOWN if it does not say.
  using Visitor = std::function<Result<void>(const char* name, unsigned char type)>;

  /// All names in the directory fd `dir`, "." and ".." left out, in the file system's order. An
  /// error of `visit` ends it and is its result. A directory that is removed meanwhile ends early.
  Result<void> read(int dir, const Visitor& visit);

 private:
  struct Buffer;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace strata
