#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// `update`, as the command line says it. Empty and zero leave a setting as it is.
struct UpdateContainerRequest {
  std::int64_t block_weight = 0;
  std::int64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::int64_t cpu_rt_period = 0;
  std::int64_t cpu_rt_runtime = 0;
  std::int64_t cpu_shares = 0;
  std::string cpus;  // "1.5"
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::string kernel_memory;  // "64m"; likewise the next two
  std::string memory;
  std::string memory_reservation;
  std::string memory_swap;      // or "-1"
  std::int64_t pids_limit = 0;  // -1: unlimited
  std::string restart;          // "no", "on-failure:3"
};

/// What docker's client refuses before it asks anyone: "maximum retry count must be an integer".
Result<void> check_update_as_client(const UpdateContainerRequest& request);

/// `update` of one container, by ID, prefix or name: its record, and what it may use from now on.
/// Warnings about what this machine cannot do. Errors are docker's.
Result<std::vector<std::string>> update_container(const EngineOptions& engine,
                                                  std::string_view name,
                                                  const UpdateContainerRequest& request);

}  // namespace strata
