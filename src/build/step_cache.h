#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "digest/digest.h"
#include "store/layer_db.h"
#include "store/store.h"

namespace strata::build {

/// The second build cache, beside docker's (cache.h): what a step that writes files made of a given
/// stack of layers, whatever image they belong to. A changed LABEL above a COPY misses docker's
/// cache for good, and this one not. ROOT/strata/steps/<key>: a small file for each result, whose
/// time is that of its last use. Expendable, like all below strata/. Any thread, any process.
class StepCache {
 public:
  /// The results of builds with an `epoch` (SOURCE_DATE_EPOCH) have other times: they are apart.
  StepCache(const Store& store, std::optional<Time> epoch) : store_(store), epoch_(epoch) {}

  /// What decides about the result of a step, beside the layers below it: everything that
  /// `inputs` lists, in order.
  static std::string material(const std::vector<std::string>& inputs);

  /// 64 hex digits for all that decides about a result: its name here, and elsewhere.
  std::string key(std::string_view material, const std::optional<ChainID>& parent) const;

  struct Hit {
    std::optional<LayerInfo> layer;  // none: the step changed nothing
  };
  /// The result on top of `parent`; its layer is leased. Nothing if it is not known, or gone.
  Result<std::optional<Hit>> find(std::string_view material,
                                  const std::optional<ChainID>& parent) const;
  /// Whether there is a result, without a look at it.
  bool knows(std::string_view material, const std::optional<ChainID>& parent) const;
  /// `diff_id`: none for a step that changed nothing. Best effort: a cache that cannot be written
  /// fails no build.
  void put(std::string_view material, const std::optional<ChainID>& parent,
           const std::optional<DiffID>& diff_id) const;

 private:
  const Store& store_;
  std::optional<Time> epoch_;
};

/// The result of a step that was run or found, for caches that others read.
struct StepRecord {
  std::string key;                // StepCache::key()
  std::optional<ChainID> parent;  // the layers below it
  std::optional<DiffID> layer;    // none: it changed nothing
};

}  // namespace strata::build
