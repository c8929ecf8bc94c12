#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata {

/// What a container may use. Absent means no limit. Units as in the OCI runtime spec.
struct ResourceLimits {
  std::optional<std::int64_t> memory;              // bytes
  std::optional<std::int64_t> memory_swap;         // bytes, memory and swap together; -1 unlimited
  std::optional<std::int64_t> memory_reservation;  // bytes, soft limit
  std::optional<std::int64_t> cpu_shares;          // relative weight, 1024 is one share
  std::optional<std::int64_t> cpu_quota;           // microseconds per period
  std::optional<std::int64_t> cpu_period;          // microseconds
  std::optional<std::int64_t> cpu_rt_runtime;      // microseconds per real-time period
  std::optional<std::int64_t> cpu_rt_period;       // microseconds
  std::string cpuset_cpus;                         // "0-2,5"; empty: all
  std::string cpuset_mems;
  std::optional<std::int64_t> pids;          // number of processes; -1 unlimited
  std::optional<std::int64_t> block_weight;  // of block I/O, 10 to 1000

  bool operator==(const ResourceLimits&) const = default;
};

enum class CgroupMode : std::uint8_t {
  None,    // nothing usable is mounted, or it is read-only: containers run without a cgroup
  V1,      // one hierarchy per controller
  V2,      // the unified hierarchy alone
  Hybrid,  // v1 controllers with a cgroup2 tree beside them
};

/// How control groups are set up on this machine.
struct CgroupSupport {
  CgroupMode mode = CgroupMode::None;
  /// Hybrid: where cgroup2 is mounted. crun refuses to work while it sees that
  /// ("cgroups in hybrid mode not supported"), so runtimes are started without it.
  std::string unified_mount;
  std::vector<std::string> controllers;  // "cpu", "memory", "pids", ...; sorted
  bool swap_limit = false;               // memory and swap can be limited together
  bool block_weight = false;             // block I/O can be weighed

  bool has(std::string_view controller) const;
};

/// Looks at the mounts of this process.
Result<CgroupSupport> detect_cgroups();

/// The same from the text of /proc/self/mountinfo; knows mode, unified_mount and v1 controllers.
CgroupSupport parse_cgroup_mounts(std::string_view mountinfo);

/// Takes out of `limits` what this machine cannot enforce. One line for each, in docker's manner
/// ("Your kernel does not support ... Limitation discarded."): warnings for the user.
std::vector<std::string> fit_limits(ResourceLimits& limits, const CgroupSupport& support);

}  // namespace strata
