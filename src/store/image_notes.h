#pragma once

#include <optional>
#include <set>

#include "base/clock.h"
#include "base/result.h"
#include "digest/digest.h"

namespace strata {

class Store;

/// What Strata remembers of images and dockerd has no place for: ROOT/strata/pins has an empty file
/// for each image that only force removes, ROOT/strata/used one for each that was used here, whose
/// time is that of the last use. Names and times say it all, so there is nothing that a crash could
/// leave half. Any thread, any process.
class ImageNotes {
 public:
  /// `own_dir` is ROOT/strata, borrowed; -1 (a store that only a dockerd used) has no notes.
  explicit ImageNotes(int own_dir) : own_dir_(own_dir) {}

  /// The caller keeps the image meanwhile (Store::keep_all). Once or more: the same.
  Result<void> pin(ImageID id) const;
  Result<void> unpin(ImageID id) const;
  /// Also of images that a dockerd has removed since.
  Result<std::set<ImageID>> pins() const;
  bool is_pinned(ImageID id) const;

  /// Now. One system call, however many images there are; failures do not matter.
  void note_use(ImageID id) const;
  std::optional<Time> noted_use(ImageID id) const;

  /// After the image was removed.
  void forget(ImageID id) const;

 private:
  int own_dir_;
};

/// When the image was last run, built on, pulled, loaded, pushed or named. Of one that was not used
/// since Strata knows the store: when it came there, or got its last name.
Time last_use(const Store& store, ImageID id);

}  // namespace strata
