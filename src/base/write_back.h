#pragma once

#include <fcntl.h>

#include <cstdint>

namespace strata {

/// Lets the disk begin with a large file, 8 MiB at a time, while the rest of it is still written:
/// the sync at the end waits for less. For a file that is written front to back.
class WriteBack {
 public:
  /// `written` bytes of the file `fd` are written by now.
  void advance(int fd, std::int64_t written) {
    auto whole = written / kPart * kPart;
    if (whole <= begun_) return;
    (void)::sync_file_range(fd, begun_, whole - begun_, SYNC_FILE_RANGE_WRITE);
    begun_ = whole;
  }

 private:
  static constexpr std::int64_t kPart = std::int64_t{8} << 20;

  std::int64_t begun_ = 0;
};

}  // namespace strata
