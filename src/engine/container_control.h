#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/container_run.h"
#include "engine/events.h"

namespace strata {

// More that is done to containers; names and errors as in container_run.h.

/// `pause` and `unpause`.
Result<void> pause_container(const EngineOptions& engine, std::string_view name);
Result<void> unpause_container(const EngineOptions& engine, std::string_view name);

/// `restart`: as stop_container() if it runs, then start_container().
Result<void> restart_container(const EngineOptions& engine, std::string_view name,
                               std::optional<std::int64_t> seconds, const WarningSink& warn);

/// `rename`; `new_name` with or without slash.
Result<void> rename_container(const EngineOptions& engine, std::string_view name,
                              std::string_view new_name);

/// `exec`: descriptors are borrowed, -1 for what is not attached.
struct ExecContainerRequest {
  std::string container;
  std::vector<std::string> command;
  std::vector<std::string> env;        // "NAME=value"; "NAME" takes the caller's value
  std::vector<std::string> env_files;  // names of files with such lines
  std::string user;
  std::string workdir;
  bool tty = false;
  bool privileged = false;
  bool detach = false;
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
};
struct ExecutedCommand {
  int exit_code = 0;
  std::string failure;  // why it could not be started; "" if it was
};
Result<ExecutedCommand> exec_container(const EngineOptions& engine,
                                       const ExecContainerRequest& request);

/// `top`: the processes of a container as `ps` with these arguments shows them.
struct ContainerProcesses {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};
Result<ContainerProcesses> container_top(const EngineOptions& engine, std::string_view name,
                                         const std::vector<std::string>& ps_arguments);

}  // namespace strata
