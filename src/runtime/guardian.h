#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"

namespace strata {

/// A process beside this one that outlives it: when this one has ended, however it did, it ends and
/// removes the containers that are still in its care. Any thread.
class Guardian {
 public:
  /// `remove` is the command that removes a container, its ID to be appended. `in_child` is run
  /// before it, as in Command.
  Guardian(std::vector<std::string> remove, std::function<int()> in_child)
      : remove_(std::move(remove)), in_child_(std::move(in_child)) {}

  /// Starts it, unless it is there.
  Result<void> start();

  /// `runtime` is the process that makes the container and waits for its end. It does not end with
  /// this one by itself, but is ended together with its children. Once it has been reaped, release
  /// the container before long: another process may get its pid.
  Result<void> take(const std::string& id, pid_t runtime);
  void release(const std::string& id);

 private:
  Result<void> start_locked();
  bool tell(const std::string& line);

  std::vector<std::string> remove_;
  std::function<int()> in_child_;
  std::mutex mutex_;                       // of what follows
  std::map<std::string, pid_t> runtimes_;  // by ID of the container
  UniqueFd line_;                          // to it; closes with this process
  std::optional<Process> process_;
};

}  // namespace strata
