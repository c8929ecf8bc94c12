#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "container/liveness.h"
#include "runtime/oci_runtime.h"

namespace strata {

/// A container that is ready to be handed to a runtime: its writable root file system is mounted
/// (detached, so that no end of this process leaves it behind), its bundle is written. Dropped
/// without keep_files(), all that was made for the run is removed again.
class PreparedRun {
 public:
  /// `warn` takes docker's lines about limits that this machine cannot enforce. The caller has the
  /// container's lock, and the container does not run.
  /// Errors are docker's, and name why the container cannot be started: "unable to find user
  /// nosuch: no matching entries in passwd file", "failed to create shim task: OCI runtime create
  /// failed:
  /// ... executable file not found in $PATH: unknown".
  static Result<PreparedRun> prepare(const Store& store, ContainerRecord& record,
                                     const std::function<void(std::string_view)>& warn);

  PreparedRun(PreparedRun&&) noexcept;
  PreparedRun& operator=(PreparedRun&&) = delete;
  ~PreparedRun();

  const OciRuntime& runtime() const { return runtime_; }
  const RunFiles& files() const { return files_; }
  RootfsMount rootfs() const { return {mount_.get(), merged_}; }
  const std::string& argv0() const { return argv0_; }
  const std::string& learn() const { return learn_; }  // RuntimeConfig

  /// The run has begun: from now on finish_run() ends it.
  void keep_files() { kept_ = true; }
  /// The mount is in the container's hands alone, or the container has ended.
  void unmount() { mount_ = UniqueFd(); }

 private:
  PreparedRun(const Store& store, OciRuntime runtime, RunFiles files)
      : store_(&store), runtime_(std::move(runtime)), files_(std::move(files)) {}
  Result<void> mount_rootfs(const ContainerRecord& record);
  Result<void> write_bundle(const ContainerRecord& record,
                            const std::function<void(std::string_view)>& warn);

  const Store* store_;  // null once moved from
  OciRuntime runtime_;
  RunFiles files_;
  UniqueFd mount_;
  std::string merged_;
  std::string argv0_;
  std::string learn_;
  bool kept_ = false;
};

/// The record of a container whose first process `pid` runs since now, saved.
Result<void> record_start(const Store& store, ContainerRecord& record, int pid);

/// What dockerd notes of a container that could not be started: the message, and an exit code by
/// its text. The record is saved.
Result<void> record_failed_start(const Store& store, ContainerRecord& record,
                                 std::string_view message);

/// The exit code of `docker run` for a container that could not be started: 127 if its program does
/// not exist, 126 if it cannot be executed, else 125. docker's command line looks at the text, too.
int failed_start_exit_code(std::string_view message);

}  // namespace strata
