#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/store.h"

namespace strata {

/// One thing that is wrong in a store.
struct Finding {
  enum class State : std::uint8_t { Repairable, Repaired, Damaged };
  State state = State::Damaged;
  std::string path = {};                 // below ROOT
  std::string what = {};                 // "is empty"
  std::string remedy = {};               // what repairs it, or would
  std::vector<std::string> images = {};  // names of those concerned; empty if none is
};

struct CheckReport {
  std::vector<Finding> findings;
  std::size_t images = 0;
  std::size_t layers = 0;
  std::int64_t bytes = 0;  // of layer tars that were rebuilt and digested

  /// 0 clean, 1 repaired or repairable, 2 damage left.
  int exit_status() const;
};

struct CheckRequest {
  bool repair = false;
  std::vector<ImageID> only;  // these images and their layers; empty: the whole store
};

/// Checks the invariants of docs/store.md, section 10, and every byte of the layers that images
/// need; the findings and their remedies are in docs/check.md. With `repair` the store must be open
/// to write and ours alone (Store::take_alone). Nothing that could be restored is deleted: what
/// cannot be used any more goes to ROOT/strata/quarantine. An error only if the check itself cannot
/// go on.
Result<CheckReport> check_store(const Store& store, const CheckRequest& request);

}  // namespace strata
