#pragma once

#include <string>

#include "container/record.h"

namespace strata {

/// The first three take a full ID; all need a store that is open for writing.

/// Sends `signal` and, if the container has not ended `seconds` later (-1: wait for ever), SIGKILL;
/// returns when its end is recorded. Nothing if it does not run.
Result<void> stop_container(const Store& store, const std::string& id, int signal,
                            std::int64_t seconds);

/// Sends `signal` to the first process. Conflict `Container <id> is not running`. After SIGKILL it
/// returns when the end is recorded.
Result<void> kill_container(const Store& store, const std::string& id, int signal);

/// Waits until the container does not run, and gives the exit code of its last run: 0 for one that
/// never ran. Works across processes, and for containers with --rm.
Result<int> wait_for_container(const Store& store, const std::string& id);

}  // namespace strata
