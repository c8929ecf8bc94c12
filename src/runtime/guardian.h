#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/process.h"

namespace strata {

/// A process beside this one, started for the first container in its care, that outlives it: when
/// this one has ended, however it did, it removes the containers that are still in its care. Any
/// thread.
class Guardian {
 public:
  /// `remove` is the command that removes a container, its ID to be appended. `in_child` is run
  /// before it, as in Command.
  Guardian(std::vector<std::string> remove, std::function<int()> in_child)
      : remove_(std::move(remove)), in_child_(std::move(in_child)) {}

  Result<void> take(const std::string& id);
  void release(const std::string& id);

 private:
  Result<void> start();
  bool tell(char what, const std::string& id);

  std::vector<std::string> remove_;
  std::function<int()> in_child_;
  std::mutex mutex_;  // of what follows
  std::set<std::string> ids_;
  UniqueFd line_;  // to it; closes with this process
  std::optional<Process> process_;
};

}  // namespace strata
