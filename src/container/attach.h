#pragma once

#include "container/start.h"

namespace strata {

/// The user's side of a container in the foreground; -1 for what is not attached. All borrowed.
struct AttachedStdio {
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /// Signals that come to this process (INT, TERM, HUP, QUIT, USR1, USR2) go to the container's
  /// first process. Without it, and always with a terminal, one that would end this process kills
  /// the container instead, so that the terminal gets its mode back.
  bool proxy_signals = true;
};

/// How a container in the foreground ended.
struct ForegroundEnd {
  int exit_code = 0;
  bool never_ran = false;  // error says why
  std::string error;
};

/// Runs a container to its end: copies its output to the user and into docker's log, and keeps its
/// record. The container's lock, which the caller took, is given back once it has started. If this
/// process is killed, the container is, too (RunningContainer).
///
/// Called on the main thread while it is the only one: signals are blocked meanwhile, and come to a
/// thread of their own.
Result<ForegroundEnd> run_attached(const Store& store, ContainerRecord record, PreparedRun run,
                                   FileLock lock, const AttachedStdio& stdio);

}  // namespace strata
