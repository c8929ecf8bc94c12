#pragma once

#include <cstdint>
#include <string_view>

#include "container/record.h"
#include "runtime/cgroup_usage.h"

namespace strata {

/// Bytes of all network devices but the loopback one.
struct NetworkTraffic {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};

/// What a container that runs has used since its start.
struct ContainerUsage {
  CgroupUsage group;       // all 0 if it has no control group of its own
  NetworkTraffic network;  // all 0 if it has the host's network
};

/// NotFound if it does not run. `mountinfo` is the text of /proc/self/mountinfo.
Result<ContainerUsage> container_usage(const Store& store, const ContainerRecord& record,
                                       std::string_view mountinfo);

/// The text of /proc/<pid>/net/dev.
NetworkTraffic parse_net_dev(std::string_view text);

}  // namespace strata
