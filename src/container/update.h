#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/record.h"

namespace strata {

/// What `update` changes; what is absent, zero or empty stays as it is.
struct ContainerUpdate {
  ResourceLimits limits;           // pids below 1: unlimited
  std::int64_t nano_cpus = 0;      // billionths of a CPU
  std::int64_t kernel_memory = 0;  // bytes; noted for dockerd, no runtime of today looks at it
  std::string restart_policy;      // only "no": there is nobody to restart a container
};

/// Changes hostconfig.json and, if the container runs, its control group. What this machine cannot
/// enforce is left out, with a line for each in docker's words. What a runtime refuses leaves
/// hostconfig.json as it was. Errors are docker's: "Cannot update container <id>: Conflicting
/// options: ...".
Result<std::vector<std::string>> update_container(const Store& store, const std::string& id,
                                                  ContainerUpdate change);

}  // namespace strata
