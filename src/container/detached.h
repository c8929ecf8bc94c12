#pragma once

#include <string>
#include <vector>

#include "container/start.h"

namespace strata {

/// Starts a container that outlives this process, under conmon. `exit_command` (argv, the first
/// word an absolute path) is run when it has ended, and calls record_detached_end(). The caller has
/// the container's lock. On an error nothing is left of the run, and the record says why.
Result<void> start_detached(const Store& store, ContainerRecord record, PreparedRun run,
                            std::vector<std::string> exit_command);

/// Ends the run of a container that conmon has seen ending; nothing if it runs (again), or its end
/// is recorded. Then --rm removes it.
Result<void> record_detached_end(const Store& store, const std::string& id);

}  // namespace strata
