#include "container/detached.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/io.h"
#include "container/json_log.h"
#include "runtime/conmon.h"

namespace strata {
namespace {

Result<DetachOptions> detach_options(const ContainerRecord& record, const PreparedRun& run,
                                     std::vector<std::string> exit_command) {
  DetachOptions o;
  const auto& files = run.files();
  o.bundle = files.dir;
  o.id = record.id;
  o.name = record.name.substr(record.name.starts_with('/') ? 1 : 0);
  o.argv0 = run.argv0();
  o.rootfs = run.rootfs();
  o.log_path = files.console_log;
  o.exit_dir = files.exit_dir;
  o.pid_file = files.dir + "/pid";
  o.conmon_pid_file = files.conmon_pid;
  o.exit_command = std::move(exit_command);
  o.terminal = record.config.tty;
  o.open_stdin = record.config.open_stdin;
  if (::mkdir(o.exit_dir.c_str(), 0700) < 0) return Error::from_errno(errno, "mkdir " + o.exit_dir);
  return o;
}

/// The pid of the container's first process, whose program has been started.
Result<int> create_and_start(const Store& store, ContainerRecord& record, const PreparedRun& run,
                             std::vector<std::string> exit_command) {
  auto options = TRY(detach_options(record, run, std::move(exit_command)));
  auto created = TRY(create_detached(run.runtime(), options));
  if (created.failure) return Error(ErrorCode::InvalidArgument, created.failure->message);
  // Before the program starts: however soon it ends, its end comes second.
  TRY(record_start(store, record, created.pid));
  auto started = run.runtime().start_created(record.id);
  if (started) return created.pid;
  (void)run.runtime().remove(record.id, /*force=*/true);
  return std::move(started).error();
}

}  // namespace

Result<void> start_detached(const Store& store, ContainerRecord record, PreparedRun run,
                            std::vector<std::string> exit_command) {
  // The log exists from the start on, also of a container that says nothing.
  auto files = TRY(open_dir(store.containers_dir(), record.id));
  TRY(JsonLogWriter::open(files.get(), record.id));
  auto started = create_and_start(store, record, run, std::move(exit_command));
  if (started) {
    run.keep_files();
    return {};
  }
  TRY(record_failed_start(store, record, started.error().message()));
  return std::move(started).error();
}

Result<void> record_detached_end(const Store& store, const std::string& id) {
  {
    if (!load_container(store, id)) {
      abandon_run(store, id);
      return {};
    }
    auto lock = TRY(lock_container(store, id));
    auto record = load_container(store, id);
    if (!record) {
      abandon_run(store, id);
      return {};
    }
    if (!record->state.running || open_process(store, *record)) return {};
    auto code = read_exit_code(run_files(store, id).exit_dir, id);
    TRY(finish_run(store, *record, {code ? *code : 128 + 9, ""}));
    if (!record->host.auto_remove) return {};
  }
  return remove_after_run(store, id);
}

}  // namespace strata
