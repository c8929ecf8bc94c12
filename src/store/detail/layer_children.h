#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "digest/digest.h"

namespace strata::detail {

/// Which layers stand on which: what one look at the LayerDB found when it was first asked for, and
/// what was added since. What other processes publish or remove later is not known, so this is only
/// for finding what may be worth a look. Any thread.
class LayerChildren {
 public:
  /// The layers on `parent` (those without one, if absent), newest first. `layers` is
  /// layerdb/sha256.
  Result<std::vector<ChainID>> on(int layers, const std::optional<ChainID>& parent);
  /// One that has just been published.
  void add(const std::optional<ChainID>& parent, ChainID id);

 private:
  struct Child {
    ChainID id;
    Time made;
  };
  Result<void> look(int layers);

  std::mutex mutex_;  // guards all below
  bool has_looked_ = false;
  std::unordered_map<Digest, std::vector<Child>> children_;  // of the zero digest: bottom layers
};

}  // namespace strata::detail
