#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "runtime/cgroup.h"

namespace strata {

enum class LimitsFor : std::uint8_t {
  NewContainer,  // all there are
  Update,        // those that change; what is absent may be set already
};

/// What dockerd says to limits that cannot be: InvalidArgument in its words. `nano_cpus`:
/// billionths of a CPU, 0 if not asked for. Looks at the machine's CPUs, and at its cpusets if one
/// is asked for.
Result<void> check_limits(const ResourceLimits& limits, std::int64_t nano_cpus, LimitsFor use);

/// Whether all in the list `asked` are in `available`; both as "0-2,5". InvalidArgument as dockerd:
/// "invalid format: x", "value of out range, maximum is 8192".
Result<bool> is_in_cpuset(std::string_view asked, std::string_view available);

/// The limits that the runtime gets: --cpus as a quota.
ResourceLimits with_cpu_quota(ResourceLimits limits, std::int64_t nano_cpus);

}  // namespace strata
