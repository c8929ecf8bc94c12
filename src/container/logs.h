#pragma once

#include <functional>
#include <optional>
#include <string>

#include "container/record.h"
#include "runtime/k8s_log.h"

namespace strata {

struct LogsRequest {
  bool follow = false;              // until the container ends
  std::optional<std::size_t> tail;  // so many of the last records that are there; nullopt: all
  std::optional<Time> since;
  std::optional<Time> until;
};

/// Gives the output of all runs of a container to `sink`, oldest first; an error of `sink` ends it.
/// Reads docker's log and, while a detached container runs, conmon's.
Result<void> read_logs(const Store& store, const std::string& id, const LogsRequest& request,
                       const std::function<Result<void>(const LogRecord&)>& sink);

}  // namespace strata
