#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/events.h"

namespace strata {

/// One row of `stats`. Of a container that does not run all numbers are 0.
struct ContainerStats {
  std::string container;  // as it was named; else the first 12 digits of its ID
  std::string id;
  std::string name;         // without slash
  bool is_removed = false;  // since it was named
  double cpu_percent = 0;   // of one CPU, so that two can be 200
  std::uint64_t memory = 0;
  std::uint64_t memory_limit = 0;  // its own, else what the machine has
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t block_read = 0;
  std::uint64_t block_written = 0;
  std::uint64_t pids = 0;
};

/// `stats`: looks at containers again and again. Nothing is held between two looks.
class StatsWatch {
 public:
  /// Looks at all that run, or with `all` also at the others, as they come and go; until one is
  /// named.
  StatsWatch(EngineOptions engine, bool all) : engine_(std::move(engine)), all_(all) {}

  /// From now on only at those that were named; twice is once. NotFound, in docker's words.
  Result<void> add(std::string_view name);

  /// The rows now: those that were named in that order, else newest first, with what came later at
  /// the end. cpu_percent is of the time since the look before; the first one gives 0.
  Result<std::vector<ContainerStats>> look();

 private:
  struct CpuTime {
    std::chrono::steady_clock::time_point when;
    int pid = 0;  // which run of the container it is
    std::uint64_t cpu_ns = 0;
  };
  struct Container {
    std::string id;
    std::string shown;  // ContainerStats::container
    std::string name;
    CpuTime before;  // at the last look
  };
  class Look;

  EngineOptions engine_;
  bool all_;
  bool named_ = false;
  std::vector<Container> containers_;
};

}  // namespace strata
