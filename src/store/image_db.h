#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "digest/digest.h"
#include "image/config.h"

namespace strata {

class Unsynced;
namespace detail {
class ImageFamily;
}

/// An image: its config exactly as stored, and decoded.
struct Image {
  ImageID id;
  std::string bytes;  // sha256(bytes) == id
  ImageConfig config;
};

/// ROOT/image/overlay2/imagedb. Format: docs/store.md, section 1. Any thread, any process.
class ImageDB {
 public:
  ImageDB(UniqueFd content, UniqueFd metadata);
  ImageDB(ImageDB&&) noexcept;
  ImageDB& operator=(ImageDB&&) = delete;
  ~ImageDB();

  /// From now on everything that is published is noted there before, and what is learned about
  /// parents is kept in ROOT/strata. Both borrowed.
  void note_in(const Unsynced& unsynced, int own_dir);

  /// Reads and verifies. NotFound; Corrupt if the bytes do not fit the ID or do not decode.
  Result<Image> get(ImageID id) const;
  bool contains(ImageID id) const;
  /// All IDs, sorted; nothing is verified.
  Result<std::vector<ImageID>> list() const;
  /// The one image whose hex digits start with `prefix`. NotFound, or InvalidArgument if several.
  Result<ImageID> find(std::string_view hex_prefix) const;

  /// Stores a config under its digest; storing what exists is not an error. With `parent` and
  /// `built_locally` the metadata that the classic builder and commit leave are written too.
  Result<ImageID> put(std::string_view config, const std::optional<ImageID>& parent,
                      bool built_locally) const;

  std::optional<ImageID> parent(ImageID id) const;
  /// Every image that has a parent, and that; either may be gone.
  Result<std::vector<std::pair<ImageID, ImageID>>> parents() const;
  /// Images whose parent is `id`; with nullopt those that were built here without a parent. Sorted.
  /// Only those in whose config these bytes stand somewhere: the others cost one look at it.
  /// Reads the parents of new images alone (detail/image_family.h).
  Result<std::vector<ImageID>> children(const std::optional<ImageID>& id,
                                        std::string_view mentioning = {}) const;
  std::optional<Time> last_updated(ImageID id) const;
  Result<void> set_last_updated(ImageID id, Time when) const;
  /// Metadata that a power cut has emptied says nothing any more.
  Result<void> drop_empty_metadata(ImageID id) const;

  /// Removes the config, its metadata, and the `parent` files that name it. `parents` is what
  /// parents() has given, in a time in which nobody else changed them.
  Result<void> remove(ImageID id, const std::vector<std::pair<ImageID, ImageID>>& parents) const;

 private:
  Result<void> write_key(ImageID id, const char* key, std::string_view value) const;
  Result<void> remove_parent_of(ImageID child) const;

  UniqueFd content_;
  UniqueFd metadata_;
  const Unsynced* unsynced_ = nullptr;
  std::unique_ptr<detail::ImageFamily> family_;
};

}  // namespace strata
