#pragma once

#include "runtime/oci_runtime.h"

namespace strata {

/// A container that outlives this process, under conmon(8) as its parent. conmon holds the stdio,
/// writes the log (runtime/k8s_log.h) and, at the end, the exit code as a decimal number to the
/// file `<exit_dir>/<id>`; then it runs `exit_command`.
struct DetachOptions {
  std::string program = "conmon";
  std::string bundle;  // absolute directory that holds config.json; takes runtime.log, too
  std::string id;
  std::string name;   // shown by ps
  std::string argv0;  // the container's program, for messages
  RootfsMount rootfs;
  std::string log_path;                   // absolute; conmon makes it
  std::string exit_dir;                   // absolute, exists
  std::string pid_file;                   // absolute; gets the pid of the container's first process
  std::string conmon_pid_file;            // absolute; gets the pid of conmon. Empty: none
  std::vector<std::string> exit_command;  // argv[0] absolute; empty: none. Sees conmon's mounts
  bool terminal = false;                  // must say the same as the config
  bool open_stdin = false;                // keep stdin open though nobody is attached
};

/// Creates the container; OciRuntime::start_created() then runs its program. The outer Result fails
/// for reasons of this machine (NotFound without conmon); a program that does not exist and the
/// like are a RuntimeFailure, and nothing is left of the container.
struct Detached {
  pid_t pid = 0;  // of the container's first process
  std::optional<RuntimeFailure> failure;
};
Result<Detached> create_detached(const OciRuntime& runtime, const DetachOptions& options);

/// The exit code that conmon left for `id`; NotFound while it has not ended.
Result<int> read_exit_code(const std::string& exit_dir, const std::string& id);

}  // namespace strata
