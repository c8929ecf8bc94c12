#pragma once

#include <string>

#include "container/record.h"

namespace strata {

/// Where one run of a container keeps its things: the OCI bundle ROOT/strata/run-<id> (0700), which
/// exists from before the start until the end of the run stands in the record. Absolute paths.
struct RunFiles {
  std::string name;         // "run-<id>", below ROOT/strata
  std::string dir;          // the bundle: config.json, runtime.log
  std::string console_log;  // detached: what conmon writes (runtime/k8s_log.h)
  std::string exit_dir;     // detached: conmon leaves the exit code there
  std::string conmon_pid;   // detached: conmon's pid
};
RunFiles run_files(const Store& store, const std::string& id);

/// Held by the process that a container runs in the foreground of, until it has recorded the end.
/// Waits while another process looks. The bundle must exist.
Result<FileLock> hold_run(const Store& store, const std::string& id);

/// Is there a process, a `strata run` in the foreground or a conmon, that will record the end of
/// the current run?
bool is_supervised(const Store& store, const std::string& id);

/// Remembers which process `pid` is, beyond its number: numbers are used again.
Result<void> remember_process(const Store& store, const std::string& id, int pid);

/// A pidfd of the container's first process. NotFound if it does not run any more.
Result<UniqueFd> open_process(const Store& store, const ContainerRecord& record);

/// The container runs, or its end is about to be recorded.
bool is_running(const Store& store, const ContainerRecord& record);

struct RunEnd {
  int exit_code = 0;
  std::string error;  // why it could not be started
};

/// Ends a run whose process is gone: what conmon logged moves to docker's log, the record says how
/// it ended, and bundle, mount point and the runtime's state are removed. The caller has the
/// container's lock.
Result<void> finish_run(const Store& store, ContainerRecord& record, const RunEnd& end);

/// Removes what is left of the run of a container that was removed meanwhile.
void abandon_run(const Store& store, const std::string& id);

/// For --rm, after the container's lock was given back: lets those who wait for the exit code read
/// it, then removes the container and its anonymous volumes.
Result<void> remove_after_run(const Store& store, const std::string& id);

/// Keeps a container with --rm there until this is dropped, but not longer than two seconds after
/// its end.
Result<FileLock> hold_exit_code(const Store& store, const std::string& id);

/// The record, after a run that nobody supervises any more (a crash, a reboot) was ended: with the
/// exit code that conmon left, else 137. NotFound also if that removed the container.
/// The store is open for writing.
Result<ContainerRecord> settle_container(const Store& store, const std::string& id);

}  // namespace strata
