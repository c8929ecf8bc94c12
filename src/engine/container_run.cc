#include "engine/container_run.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "build/ports.h"
#include "collect/remove_image.h"
#include "container/attach.h"
#include "container/detached.h"
#include "container/join.h"
#include "container/logs.h"
#include "container/lookup.h"
#include "container/remove.h"
#include "container/stop.h"
#include "engine/log_time.h"

namespace strata {
namespace {

constexpr std::int64_t kStopSeconds = 10;

Result<std::string> own_program() {
  std::array<char, 4096> path{};
  ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  if (n < 0) return Error::from_errno(errno, "readlink /proc/self/exe");
  return std::string(path.data(), static_cast<std::size_t>(n));
}

/// A container that does not run, with its lock.
struct Startable {
  ContainerRecord record;
  std::optional<FileLock> lock;
  bool runs = false;
};

Result<Startable> take_to_start(const Store& store, std::string_view name) {
  auto id = TRY(find_container(store, name)).id;
  TRY(settle_container(store, id));
  Startable s;
  s.lock.emplace(TRY(lock_container(store, id)));
  s.record = TRY(load_container(store, id));
  s.runs = is_running(store, s.record);
  if (s.record.state.removal_in_progress || s.record.state.dead)
    return Error(ErrorCode::Conflict, "container is marked for removal and cannot be started");
  return s;
}

/// A container with --rm that could not be started is removed, too.
Error failed_start(const Store& store, Startable s, Error error) {
  (void)record_failed_start(store, s.record, error.message());
  s.lock.reset();
  if (s.record.host.auto_remove) (void)remove_after_run(store, s.record.id);
  return error;
}

int attached(bool wanted, int fd) { return wanted ? fd : -1; }

AttachedStdio stdio_of(const AttachRequest& request, const RunConfig& config) {
  bool all = !request.attach_as_created;
  AttachedStdio stdio;
  stdio.stdin_fd = attached(all || config.attach_stdin, request.stdin_fd);
  stdio.stdout_fd = attached(all || config.attach_stdout, request.stdout_fd);
  stdio.stderr_fd = attached(all || config.attach_stderr, request.stderr_fd);
  stdio.proxy_signals = request.proxy_signals;
  return stdio;
}

Result<std::optional<Time>> optional_time(const std::string& text) {
  if (text.empty()) return std::optional<Time>();
  return std::optional(TRY(parse_log_time(text, Time::now())));
}

Result<LogsRequest> logs_request(const ContainerLogsRequest& request) {
  LogsRequest logs;
  logs.follow = request.follow;
  std::size_t lines = 0;
  const char* end = request.tail.data() + request.tail.size();
  auto parsed = std::from_chars(request.tail.data(), end, lines);
  if (parsed.ec == std::errc() && parsed.ptr == end) logs.tail = lines;
  logs.since = TRY(optional_time(request.since).context("invalid value for \"since\""));
  logs.until = TRY(optional_time(request.until).context("invalid value for \"until\""));
  return logs;
}

}  // namespace

Result<void> start_container(const EngineOptions& engine, std::string_view name,
                             const WarningSink& warn) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto s = TRY(take_to_start(*store, name));
  if (s.runs) return {};
  std::vector<std::string> exit_command = {TRY(own_program()), "--root", store->path(), "__exited",
                                           s.record.id};
  auto run = PreparedRun::prepare(*store, s.record, warn);
  if (!run) return failed_start(*store, std::move(s), std::move(run).error());
  auto started = start_detached(*store, s.record, *std::move(run), std::move(exit_command));
  if (!started) return failed_start(*store, std::move(s), std::move(started).error());
  return {};
}

Result<int> run_container(const EngineOptions& engine, const AttachRequest& request,
                          const WarningSink& warn) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto s = TRY(take_to_start(*store, request.container));
  if (s.runs)
    return Error(
        ErrorCode::Conflict,
        fmt::format("container {} runs already: see its output with logs -f", s.record.id));
  auto run = PreparedRun::prepare(*store, s.record, warn);
  if (!run) return failed_start(*store, std::move(s), std::move(run).error());
  auto stdio = stdio_of(request, s.record.config);
  auto base = container_base(*store, s.record);
  bool auto_remove = s.record.host.auto_remove;
  auto end =
      TRY(run_attached(*store, std::move(s.record), *std::move(run), *std::move(s.lock), stdio));
  if (auto_remove) TRY(release_base(*store, base));
  if (end.never_ran) return Error(ErrorCode::InvalidArgument, std::move(end.error));
  return end.exit_code;
}

Result<std::optional<int>> attach_container(const EngineOptions& engine,
                                            const AttachRequest& request,
                                            std::string_view detach_keys) {
  auto keys = TRY(parse_detach_keys(detach_keys));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, request.container)).id;
  auto record = TRY(settle_container(*store, id));
  if (!is_running(*store, record))
    return Error(ErrorCode::Conflict, "You cannot attach to a stopped container, start it first");
  if (record.state.paused)
    return Error(ErrorCode::Conflict, "You cannot attach to a paused container, unpause it first");
  auto stdio = stdio_of(request, record.config);
  stdio.stdin_fd = attached(record.config.open_stdin, stdio.stdin_fd);
  if (record.config.tty && stdio.stdin_fd >= 0 && ::isatty(stdio.stdin_fd) == 0)
    return Error(ErrorCode::InvalidArgument, "the input device is not a TTY");
  auto held = TRY(hold_exit_code(*store, id));
  if (TRY(join_container(*store, record, stdio, std::move(keys))) == JoinEnd::Detached)
    return std::optional<int>();
  return std::optional(TRY(wait_for_container(*store, id)));
}

int failed_run_exit_code(std::string_view message) { return failed_start_exit_code(message); }

Result<int> wait_for_container(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, name)).id;
  return wait_for_container(*store, id);
}

Result<void> stop_container(const EngineOptions& engine, std::string_view name,
                            std::optional<std::int64_t> seconds) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = TRY(find_container(*store, name));
  const auto& configured = record.config.stop_signal;
  int signal = configured.empty() ? SIGTERM : TRY(build::parse_stop_signal(configured));
  if (!seconds) seconds = record.config.stop_timeout.value_or(kStopSeconds);
  return stop_container(*store, record.id, signal, *seconds);
}

Result<void> kill_container(const EngineOptions& engine, std::string_view name,
                            std::string_view signal) {
  auto parsed = build::parse_stop_signal(signal);
  if (!parsed && signal.find_first_not_of("0123456789") == std::string_view::npos && signal != "0")
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("Cannot kill container: {}: The linux daemon does not support signal {}", name,
                    signal));
  int number = TRY(std::move(parsed));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto killed = [&]() -> Result<void> {
    auto record = TRY(find_container(*store, name));
    return kill_container(*store, record.id, number);
  }();
  return std::move(killed).context("Cannot kill container: {}", name);
}

Result<void> container_logs(const EngineOptions& engine, const ContainerLogsRequest& request,
                            const std::function<Result<void>(const LogLine&)>& sink) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto id = TRY(find_container(*store, request.container)).id;
  auto logs = TRY(logs_request(request));
  return read_logs(*store, id, logs, [&](const LogRecord& record) {
    return sink({record.stream == LogRecord::Stream::Stderr, record.time, record.bytes});
  });
}

Result<void> container_exited(const EngineOptions& engine, std::string_view id) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = load_container(*store, std::string(id));
  auto base = record ? container_base(*store, *record) : ContainerBase();
  TRY(record_detached_end(*store, std::string(id)));
  bool is_removed = record && record->host.auto_remove;
  return is_removed ? release_base(*store, base) : Result<void>();
}

}  // namespace strata
