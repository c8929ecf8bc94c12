#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

/// What the processes of a control group have used. What the machine does not count is 0.
struct CgroupUsage {
  std::uint64_t cpu_ns = 0;        // of all CPUs together
  std::uint64_t memory = 0;        // bytes, without what is only kept of files (inactive)
  std::uint64_t memory_limit = 0;  // bytes; 0: no limit
  std::uint64_t block_read = 0;    // bytes from block devices
  std::uint64_t block_written = 0;
  std::uint64_t pids = 0;  // processes and threads
};

/// Where the control groups of a container are: absolute directories.
struct CgroupPlaces {
  std::map<std::string, std::string, std::less<>> v1;  // by controller: "cpuacct", "memory"
  std::string v2;                                      // "" if there is no cgroup2, or beside v1
};

/// Finds them by one process of the container `id`: `groups` is its /proc/<pid>/cgroup, `mountinfo`
/// that of ourselves. Only groups that are named after the container count: it may have made others
/// in its own and moved the process there, and without one of its own it is in somebody else's.
CgroupPlaces find_cgroups(std::string_view groups, std::string_view mountinfo, std::string_view id);

/// Reads what is there. NotFound if none of the groups is there any more.
Result<CgroupUsage> read_cgroup_usage(const CgroupPlaces& places);

/// The number after `key` in a file of lines "key number", such as memory.stat.
std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key);

struct BlockTraffic {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};
/// Of all devices: blkio's "8:0 Read 123" (v1), io.stat's "8:0 rbytes=1 wbytes=2 ..." (v2).
BlockTraffic parse_blkio(std::string_view text);
BlockTraffic parse_io_stat(std::string_view text);

}  // namespace strata
