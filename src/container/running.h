#pragma once

#include <memory>

#include "container/record.h"
#include "runtime/oci_runtime.h"

namespace strata {

/// The runtime that `record` names, with the state directory of the store.
Result<OciRuntime> open_runtime(const Store& store, const ContainerRecord& record);

/// `pause` and `unpause`: holds all processes of a container still, and says so in its record.
/// Conflict in docker's words: "Container <id> is not running", "... is already paused", "... is
/// not paused". The caller has the container's lock.
Result<void> set_paused(const Store& store, ContainerRecord& record, bool paused);

/// Holds all processes of a running container still; destroyed, it lets them go on.
class PausedContainer {
 public:
  /// Unsupported where the machine has no control groups for that.
  static Result<PausedContainer> pause(const Store& store, const ContainerRecord& record);
  PausedContainer(PausedContainer&&) noexcept = default;
  PausedContainer& operator=(PausedContainer&&) = delete;
  ~PausedContainer();

 private:
  PausedContainer(std::unique_ptr<OciRuntime> runtime, std::string id)
      : runtime_(std::move(runtime)), id_(std::move(id)) {}
  std::unique_ptr<OciRuntime> runtime_;  // null once moved from
  std::string id_;
};

}  // namespace strata
