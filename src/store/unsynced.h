#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"

namespace strata {

class Store;

/// What has been published but may not be on the disk yet: ROOT/strata/unsynced, one empty file for
/// each, "<boot-id>.<kind>-<hex>". The name says it all, so no sync is needed: journals keep the
/// order in which names are made, and where the layer is found after a power cut its name here is
/// found, too. Any thread, any process.
class Unsynced {
 public:
  /// `own_dir` is ROOT/strata, borrowed.
  explicit Unsynced(int own_dir) : own_dir_(own_dir) {}

  /// To be called before the rename that publishes.
  Result<void> add(ChainID id) const { return add("layer", id.digest().hex()); }
  /// Also before a change of the image's metadata.
  Result<void> add(ImageID id) const { return add("image", id.digest().hex()); }
  Result<void> add_container(const std::string& id) const { return add("container", id); }
  /// Before the time of an image's last name is written: one that a power cut has emptied is to go,
  /// but nobody waits for it.
  Result<void> add_time(ImageID id) const { return add("time", id.digest().hex()); }

  struct Name {
    std::string file;
    std::string boot;
    std::string kind;
    std::string hex;

    bool is_time() const { return kind == "time"; }
  };
  /// Those there are now.
  Result<std::vector<Name>> list() const;
  /// After a sync that began when they were already published.
  void remove(const Name& name) const;
  /// Of a container that is there no more, or half: nothing of it needs to be safe.
  void forget_container(const std::string& id) const;

  /// The id of the running kernel's boot.
  static const std::string& this_boot();

 private:
  Result<void> add(const char* kind, const std::string& hex) const;
  int own_dir_;
};

/// What an earlier boot published and never synced is compared with its digests, once: what is not
/// whole is removed, as if it had not been made. No image that anything names is among it, because
/// names are given after a sync. Costs one look into an empty directory in all other cases.
Result<void> settle_unsynced(const Store& store);

}  // namespace strata
