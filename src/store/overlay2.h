#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace strata {

/// A cache directory overlay2/<cache-id> that no layerdb entry or container names yet. Whoever
/// holds the last pointer decides its fate: unless keep() was called, it is removed with its link.
/// A crash leaves an orphan, which dockerd ignores and `strata check` reclaims.
class CacheDir {
 public:
  CacheDir(int overlay, std::string id, std::string link, UniqueFd diff);
  CacheDir(const CacheDir&) = delete;
  CacheDir& operator=(const CacheDir&) = delete;
  ~CacheDir();

  const std::string& id() const { return id_; }
  /// "l/<26 characters>": its name in lowerdir options and `lower` files.
  const std::string& link() const { return link_; }
  /// The directory `diff`.
  int diff() const { return diff_.get(); }
  void keep() { kept_ = true; }

 private:
  int overlay_;  // borrowed from Overlay2
  std::string id_;
  std::string link_;
  UniqueFd diff_;
  bool kept_ = false;
};

/// The cache directories of docker's overlay2 driver, ROOT/overlay2. Format: docs/store.md,
/// section 3. Any thread.
class Overlay2 {
 public:
  explicit Overlay2(UniqueFd dir) : dir_(std::move(dir)) {}

  /// Is told the path below ROOT of everything that comes to be, before it does.
  using Note = std::function<Result<void>(const std::string& path)>;
  void note_in(Note note) { note_ = std::move(note); }

  int dir() const { return dir_.get(); }

  /// Makes <id>/{diff,link} and l/<link>; with `with_work` also <id>/work, which every cache but a
  /// bottom layer's has. `id` empty: a new random one. No `lower` yet: see set_parent().
  Result<std::shared_ptr<CacheDir>> create(bool with_work, std::string id = {});

  /// Writes `lower` of `id` from its parent's link and lower, and marks the parent committed.
  Result<void> set_parent(const std::string& id, const std::string& parent);
  /// The same for who has asked for the parent's stack() already.
  Result<void> set_parent(const std::string& id, const std::string& parent,
                          const std::vector<std::string>& parent_stack);

  /// "l/<link>" of `id` itself, then those of all below it, top first: what a mount on top of `id`
  /// takes as lowerdir. At most 128.
  Result<std::vector<std::string>> stack(const std::string& id) const;

  Result<UniqueFd> open_diff(const std::string& id) const;

  /// Removes the directory and its link. Not an error if parts are missing already.
  Result<void> remove(const std::string& id);

 private:
  UniqueFd dir_;
  Note note_;
};

}  // namespace strata
