#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"

namespace strata::detail {

/// The `parent` file of an image; none if it has none.
std::optional<ImageID> read_image_parent(int metadata, ImageID id);

/// Which image stands on which: what one look at the `parent` files has found, this process's or,
/// by way of ROOT/strata/family, an earlier one's. What has a parent keeps it; an image that had
/// none is looked at anew, once in a process, when images have come or gone. Any thread.
///
/// The file is expendable: "strata family 2\n", the mtime of the directory of all metadata and when
/// that was asked for (nanoseconds since 1970, 64 bits each), then for each image its ID and its
/// parent's, 32 bytes each, zeros for none, sorted; at the end checksum() of all that.
class ImageFamily {
 public:
  /// `metadata` is imagedb/metadata/sha256, borrowed.
  explicit ImageFamily(int metadata) : metadata_(metadata) {}

  /// From now on what was read is left in ROOT/strata, borrowed.
  void keep_in(int own_dir) { own_dir_ = own_dir; }

  /// The images on `parent`, those without one for nullopt, sorted. Some may be gone or have lost
  /// it since: each is to be looked at.
  Result<std::vector<ImageID>> on(const std::optional<ImageID>& parent);
  /// The `parent` file of `child` has just been written, or removed for nullopt.
  void set(ImageID child, const std::optional<ImageID>& parent);

 private:
  struct Record {
    Digest child;
    Digest parent;  // zeros: none
  };
  struct Read {                // of the directory's names
    std::int64_t changed = 0;  // its mtime, nanoseconds
    std::int64_t at = 0;
  };

  Result<void> look();
  void load();
  void save() const;
  const Record* find(const Digest& child) const;

  int metadata_;
  int own_dir_ = -1;
  std::mutex mutex_;  // guards all below
  bool has_looked_ = false;
  Read read_;
  std::vector<Record> records_;  // sorted by child
};

}  // namespace strata::detail
