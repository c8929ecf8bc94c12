#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// What `info` tells about a store and the machine.
struct SystemInfo {
  std::string root;        // absolute
  std::size_t images = 0;  // named or not, steps of builds included, as docker counts
  std::size_t layers = 0;
  std::size_t containers = 0;
  std::size_t running = 0;
  std::string filesystem;      // of the root: "extfs", "xfs", ...
  std::optional<int> dockerd;  // pid of a dockerd that runs on this root
  std::string cgroup;          // "1", "2", "1 and 2 (hybrid)", "none"
  std::string kernel;
  std::string operating_system;  // PRETTY_NAME of os-release
  std::string architecture;      // uname's machine
  long cpus = 0;
  std::int64_t memory = 0;  // bytes
  std::string host;
  std::string runtime;  // version line of crun; "" if it is not installed
};
Result<SystemInfo> system_info(const EngineOptions& engine);

}  // namespace strata
