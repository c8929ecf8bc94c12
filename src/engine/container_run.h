#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/events.h"

namespace strata {

// Running containers. `name` is what the user typed: a full ID, a name or a unique prefix of an ID;
// NotFound "No such container: x" otherwise. Errors are docker's.

/// Takes docker's lines about what this machine cannot do, without "WARNING: ".
using WarningSink = std::function<void(std::string_view)>;

/// `start` without -a, `run -d`: the container outlives this process. One that runs already is left
/// alone. When it ends, conmon runs `<this program> --root ROOT __exited <id>`.
Result<void> start_container(const EngineOptions& engine, std::string_view name,
                             const WarningSink& warn);

struct AttachRequest {
  std::string container;
  int stdin_fd = -1;  // -1: not attached; borrowed
  int stdout_fd = -1;
  int stderr_fd = -1;
  bool attach_as_created = false;  // of the three only those that `create` was told to attach
  bool proxy_signals = true;
};

/// `start -a`, `run`: the container's life is inside this call, and it dies with this process. Its
/// exit code. Must be called while the process has one thread; see run_attached(). Conflict if it
/// runs already.
Result<int> run_container(const EngineOptions& engine, const AttachRequest& request,
                          const WarningSink& warn);

/// `attach`: follows a container that runs in the background, see join_container(). `proxy_signals`
/// as there; stdin only if the container has one. Its exit code; nullopt if `detach_keys` (docker's
/// own if empty) were typed. Conflict in docker's words if it does not run or is paused.
Result<std::optional<int>> attach_container(const EngineOptions& engine,
                                            const AttachRequest& request,
                                            std::string_view detach_keys);

/// The exit code of `docker run` for an error of the two above.
int failed_run_exit_code(std::string_view message);

/// `wait`: returns when it does not run, with its exit code.
Result<int> wait_for_container(const EngineOptions& engine, std::string_view name);

/// `stop`: its stop signal, then SIGKILL after so many seconds (its own time, else 10).
Result<void> stop_container(const EngineOptions& engine, std::string_view name,
                            std::optional<std::int64_t> seconds);

/// `kill`. InvalidArgument "Invalid signal: x".
Result<void> kill_container(const EngineOptions& engine, std::string_view name,
                            std::string_view signal);

struct ContainerLogsRequest {
  std::string container;
  bool follow = false;
  std::string tail = "all";  // or a number; what is neither means all, as in docker
  std::string since;         // RFC 3339, seconds since 1970, or a duration back from now: "10m"
  std::string until;
};

struct LogLine {
  bool is_stderr = false;
  Time time;
  std::string text;  // ends in \n if the line is complete
};

/// `logs`, oldest first; an error of `sink` ends it.
Result<void> container_logs(const EngineOptions& engine, const ContainerLogsRequest& request,
                            const std::function<Result<void>(const LogLine&)>& sink);

/// What conmon calls when a detached container has ended.
Result<void> container_exited(const EngineOptions& engine, std::string_view id);

}  // namespace strata
