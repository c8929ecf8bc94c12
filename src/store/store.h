#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_lock.h"
#include "store/image_db.h"
#include "store/layer_db.h"
#include "store/overlay2.h"
#include "store/references.h"
#include "store/unsynced.h"

namespace strata {

/// A data-root in dockerd's overlay2 layout (docs/store.md). Any number of processes may have it
/// open. Everything that Strata adds lives in ROOT/strata and is expendable.
class Store {
 public:
  enum class Access : std::uint8_t { Read, Write };

  /// Opens ROOT, made (0710) with its directories if absent. For Write it also takes, shared with
  /// other Strata processes, the lock that a dockerd holds for its whole life
  /// (flock on volumes/metadata.db): while we have it no dockerd starts on this root. Conflict with
  /// one clear line naming dockerd's pid if a dockerd has it; reading always works.
  static Result<std::unique_ptr<Store>> open(const std::string& root, Access access);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  bool is_writable() const;         // opened for Write, and not released
  const std::string& path() const;  // absolute, links resolved
  int dir() const;                  // ROOT
  int own_dir() const;              // ROOT/strata; -1 for a reader if there is none
  int containers_dir() const;       // ROOT/containers
  const ImageDB& images() const;
  const LayerDB& layers() const;
  const References& references() const;
  Overlay2& caches() const;

  /// What is published but may not be on the disk yet. For writers only.
  const Unsynced& unsynced() const;

  /// Makes all that was published, also by others, durable (one syncfs). Every command that changed
  /// something calls it before it names results in repositories.json or reports success.
  Result<void> sync() const;
  /// Whether anything that a name needs may not be on the disk.
  Result<bool> needs_sync() const;
  /// As sync(), if needs_sync(). For commands that may have
  /// published nothing: a tag, a build of which every step was there already.
  Result<void> sync_published() const;

  /// Until this store is closed no process removes that layer or image, although no record may name
  /// it yet. Whether it was still there is to be asked afterwards. Nothing happens in a store that
  /// was opened to read.
  Result<void> hold(ChainID id) const;
  Result<void> hold(ImageID id) const;
  /// Images with all their layers, at once.
  Result<void> hold_all(const std::vector<std::pair<ImageID, std::vector<ChainID>>>& images) const;
  Result<void> hold_volume(const std::string& name) const;
  /// Names a path below ROOT that the next one to open the store removes if this process dies.
  Result<void> note_work(const std::string& path) const;
  /// While this is held, for a moment, nothing at all is removed.
  Result<FileLock> keep_all() const;

  /// The right to remove images and layers: nobody else removes, and what is held or named later
  /// waits for its end.
  struct Removal {
    FileLock lock;
    std::set<Digest> held;  // ChainIDs and ImageIDs that processes work with
    bool holds_volume(const std::string& name) const;
  };
  Result<Removal> begin_removal() const;

  /// Makes this the only process that writes to the store, until it is closed; later ones wait.
  /// False if there are others now.
  Result<bool> take_alone();

  /// Drops the locks early, for commands that go on only reading.
  void release();

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  Result<void> begin_writing();
  std::unique_ptr<State> state_;
};

/// Resolves what a user typed for an image: a reference ("app", "app:1", "app@sha256:..."), a full
/// ID with or without "sha256:", or a unique prefix of one. References win over prefixes.
/// NotFound: `No such image: <text>` (docker's words; without a tag ":latest" is shown).
Result<ImageID> resolve_image(const Store& store, std::string_view text);

/// Until the store is closed an image's layers stay, and `image prune` does not take it. False if
/// it was removed before that: then its layers may be gone, too.
Result<bool> hold_image(const Store& store, const Image& image);

/// What resolve_image() finds, read and held, with its use noted (image_notes.h). NotFound `No such
/// image: <text>`.
Result<Image> take_image(const Store& store, std::string_view text);

/// Stores the image that a build step or a commit made of `parent`, held until the store is closed.
/// A parent that was removed meanwhile is not recorded.
Result<ImageID> put_child_image(const Store& store, std::string_view config,
                                const std::optional<ImageID>& parent);

/// The first half of giving names to what was published: that becomes safe, if it is not yet, and
/// with it the file of the names, which References::set_all() then only renames.
Result<std::optional<References::Prepared>> sync_with(const Store& store,
                                                      const References::Names& names);

/// Gives an image a name (it may have had another image before) and notes the time, and that it was
/// used. NotFound `No such image: sha256:...` if the image was removed meanwhile.
Result<void> name_image(const Store& store, const Reference& name, ImageID id, Time now);

/// Gives several names behind the sync that makes the image safe, if it needs one: the file of the
/// names is part of it. `lazy`: without that sync.
Result<void> sync_and_name(const Store& store, const std::vector<Reference>& names, ImageID id,
                           Time now, bool lazy);

/// The pid of the dockerd that holds ROOT, if there is one (from /proc/locks).
std::optional<int> running_dockerd(int root);

}  // namespace strata
