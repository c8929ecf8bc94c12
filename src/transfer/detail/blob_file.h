#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/fd.h"
#include "digest/digest.h"

namespace strata::transfer::detail {

/// What has come of a blob: ROOT/strata/blobs/<hex>, kept until the pull that needs it has
/// succeeded, so that one that was cut off, even by a kill, goes on where it was. While the object
/// lives it is the only one for this blob, in all processes. A blob that an earlier pull or push
/// has kept (store/kept_blobs.h) comes back to life as such a file.
class BlobFile {
 public:
  /// Waits for other users. `own_dir` is ROOT/strata. Cancelled if `stop` is requested meanwhile.
  static Result<BlobFile> open(int own_dir, const Digest& digest, const std::stop_token& stop);

  int fd() const { return fd_.get(); }
  /// Bytes that are there.
  Result<std::int64_t> size() const;
  Result<void> write(std::int64_t offset, std::string_view bytes);
  /// Drops what is there: it is wrong.
  Result<void> clear();
  /// Takes the file away: its bytes are of no more use.
  void remove();
  /// It is complete and right: kept for others, as far as there is room.
  void keep();

 private:
  BlobFile(int own_dir, const Digest& digest, UniqueFd dir, UniqueFd fd)
      : own_dir_(own_dir),
        digest_(digest),
        name_(digest.hex()),
        dir_(std::move(dir)),
        fd_(std::move(fd)) {}

  int own_dir_;
  Digest digest_;
  std::string name_;
  UniqueFd dir_;
  UniqueFd fd_;  // closing it gives the lock back
};

/// Removes what pulls have left behind and nobody has touched for a week.
void remove_old_blobs(int own_dir);

}  // namespace strata::transfer::detail
