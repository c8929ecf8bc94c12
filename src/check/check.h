#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_stream.h"
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

/// Where lost content may come from: an archive of images.
class Donor {
 public:
  Donor() = default;
  Donor(const Donor&) = delete;
  Donor& operator=(const Donor&) = delete;
  virtual ~Donor() = default;

  virtual const std::string& name() const = 0;
  virtual bool has(DiffID id) const = 0;
  /// Gives the tar of a layer that it has, without compression; whether it is that is not checked.
  virtual Result<void> read(DiffID id,
                            const std::function<Result<void>(ByteSource&)>& use) const = 0;
  /// The config of an image; its sha256 is the ID.
  virtual std::optional<std::string> config(ImageID id) const = 0;
};

struct CheckRequest {
  bool repair = false;
  const Donor* donor = nullptr;
  std::vector<ImageID> only;  // these images and their layers; empty: the whole store
};

/// Checks the invariants of docs/store.md, section 10, and every byte of the layers that images
/// need; the findings and their remedies are in docs/check.md. With `repair` the store must be open
/// to write and ours alone (Store::take_alone). Nothing that could be restored is deleted: what
/// cannot be used any more goes to ROOT/strata/quarantine. An error only if the check itself cannot
/// go on.
Result<CheckReport> check_store(const Store& store, const CheckRequest& request);

}  // namespace strata
