#include "engine/container_control.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/io.h"
#include "base/process.h"
#include "base/text.h"
#include "container/exec.h"
#include "container/liveness.h"
#include "container/lookup.h"
#include "container/names.h"
#include "container/running.h"
#include "engine/container_options.h"

namespace strata {
namespace {

Result<void> set_paused_by_name(const EngineOptions& engine, std::string_view name, bool paused) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, name)).id;
  TRY(settle_container(*store, id));
  auto lock = TRY(lock_container(*store, id));
  auto record = TRY(load_container(*store, id));
  return set_paused(*store, record, paused);
}

std::vector<std::string> words_of_line(std::string_view line) {
  const auto words = split_words(line);
  return {words.begin(), words.end()};
}

/// Whether a process is in that PID namespace, which each container has for itself.
bool is_in_namespace(std::string_view pid, ino_t pid_namespace) {
  struct stat st = {};
  return ::stat(fmt::format("/proc/{}/ns/pid", pid).c_str(), &st) == 0 &&
         st.st_ino == pid_namespace;
}

/// As docker reads the output of ps: a title for each column, and the last one takes the rest.
Result<ContainerProcesses> parse_ps(const std::string& text, ino_t pid_namespace) {
  const auto lines = split(text, '\n');
  ContainerProcesses processes;
  processes.titles = words_of_line(lines.front());
  auto& titles = processes.titles;
  auto pid = std::find(titles.begin(), titles.end(), "PID") - titles.begin();
  if (pid == std::ssize(titles))
    return Error(ErrorCode::InvalidArgument, "Couldn't find PID field in ps output");
  for (auto line : std::span(lines).subspan(1)) {
    auto words = words_of_line(line);
    if (std::ssize(words) <= pid ||
        !is_in_namespace(words[static_cast<std::size_t>(pid)], pid_namespace))
      continue;
    while (words.size() > titles.size()) {
      auto rest = std::move(words.back());
      words.pop_back();
      words.back() += ' ' + rest;
    }
    processes.rows.push_back(std::move(words));
  }
  return processes;
}

}  // namespace

Result<void> pause_container(const EngineOptions& engine, std::string_view name) {
  return set_paused_by_name(engine, name, true);
}

Result<void> unpause_container(const EngineOptions& engine, std::string_view name) {
  return set_paused_by_name(engine, name, false);
}

Result<void> restart_container(const EngineOptions& engine, std::string_view name,
                               std::optional<std::int64_t> seconds, const WarningSink& warn) {
  TRY(stop_container(engine, name, seconds));
  return start_container(engine, name, warn);
}

Result<void> rename_container(const EngineOptions& engine, std::string_view name,
                              std::string_view new_name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, name)).id;
  if (new_name.starts_with('/')) new_name.remove_prefix(1);
  return rename_container(*store, id, std::string(new_name));
}

Result<ExecutedCommand> exec_container(const EngineOptions& engine,
                                       const ExecContainerRequest& request) {
  ExecRequest exec;
  exec.env = TRY(caller_environment(request.env_files, request.env));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, request.container)).id;
  auto record = TRY(settle_container(*store, id));
  exec.name = request.container;
  exec.argv = request.command;
  exec.user = request.user;
  exec.workdir = request.workdir;
  exec.tty = request.tty;
  exec.privileged = request.privileged;
  exec.detach = request.detach;
  exec.stdin_fd = request.stdin_fd;
  exec.stdout_fd = request.stdout_fd;
  exec.stderr_fd = request.stderr_fd;
  auto outcome = TRY(exec_in_container(*store, record, exec));
  ExecutedCommand executed;
  executed.exit_code = outcome.status.shell_code();
  if (outcome.failure) {
    executed.failure = outcome.failure->message;
    executed.exit_code = outcome.failure->exit_code;
  }
  return executed;
}

Result<ContainerProcesses> container_top(const EngineOptions& engine, std::string_view name,
                                         const std::vector<std::string>& ps_arguments) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, name)).id;
  auto record = TRY(settle_container(*store, id));
  struct stat st = {};
  if (!is_running(*store, record) ||
      ::stat(fmt::format("/proc/{}/ns/pid", record.state.pid).c_str(), &st) < 0)
    return Error(ErrorCode::Conflict, fmt::format("Container {} is not running", id));
  Command command;
  command.argv = {"ps"};
  command.argv.insert(command.argv.end(), ps_arguments.begin(), ps_arguments.end());
  if (ps_arguments.empty()) command.argv.emplace_back("-ef");
  auto output = TRY(run_and_capture(std::move(command)).context("ps"));
  if (!output.status.success()) {
    while (output.err.ends_with('\n')) output.err.pop_back();
    return Error(ErrorCode::System, fmt::format("Error running ps: exit status {}: {}",
                                                output.status.code, output.err));
  }
  return parse_ps(output.out, st.st_ino);
}

}  // namespace strata
