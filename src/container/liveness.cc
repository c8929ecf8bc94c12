#include "container/liveness.h"

#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "base/temp_dir.h"
#include "container/json_log.h"
#include "container/remove.h"
#include "container/running.h"
#include "container/spec.h"
#include "runtime/conmon.h"

namespace strata {
namespace {

constexpr int kKilled = 128 + SIGKILL;
constexpr int kHoldSteps = 100;  // of 20 milliseconds

const std::string& owner_lock() {
  static const std::string kName = "owner.lock";
  return kName;
}

/// When the process started, in clock ticks since boot; "" if there is none, or it is a zombie.
/// The name in the second field of /proc/<pid>/stat may hold anything, so fields count from its end
/// (proc(5)): state is the first one after it, starttime the 20th.
std::string start_ticks(int pid) {
  auto text = read_file(AT_FDCWD, fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return "";
  auto at = text->rfind(") ");
  if (at == std::string::npos) return "";
  at += 2;
  if ((*text)[at] == 'Z' || (*text)[at] == 'X') return "";
  for (int field = 3; field < 22 && at != std::string::npos; field++) {
    at = text->find(' ', at);
    if (at != std::string::npos) at++;
  }
  if (at == std::string::npos) return "";
  return text->substr(at, text->find(' ', at) - at);
}

std::string process_line(int pid) { return fmt::format("{} {}\n", pid, start_ticks(pid)); }

/// A conmon that serves this container names it in its arguments; so does the exit command that it
/// becomes.
bool is_conmon_of(const std::string& pid_file, const std::string& id) {
  auto text = read_file(AT_FDCWD, pid_file, 64);
  if (!text) return false;
  int pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0) return false;
  auto arguments = read_file(AT_FDCWD, fmt::format("/proc/{}/cmdline", pid));
  return arguments && arguments->find(id) != std::string::npos;
}

Result<void> take_over_log(const Store& store, const std::string& id) {
  auto log = open_at(AT_FDCWD, run_files(store, id).console_log, O_RDONLY);
  if (!log && log.error().code() == ErrorCode::NotFound) return {};
  if (!log) return std::move(log).error();
  auto dir = TRY(open_dir(store.containers_dir(), id));
  auto writer = TRY(JsonLogWriter::open(dir.get(), id));
  return append_k8s_log(writer, *std::move(log));
}

/// The exit command of conmon runs in conmon's mount namespace, where the root file system of the
/// container is still attached. Elsewhere there is nothing to detach.
void remove_mount_point(const Store& store, const std::string& id) {
  auto mount = store.layers().mount(id);
  if (!mount) return;
  auto merged = store.path() + "/overlay2/" + mount->mount_id + "/merged";
  (void)::umount2(merged.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  (void)::rmdir(merged.c_str());
  // Of a volatile mount, which the kernel would not make again: no reboot was between.
  (void)remove_tree(store.caches().dir(), mount->mount_id + "/work/work/incompat");
}

void sleep_ms(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

}  // namespace

RunFiles run_files(const Store& store, const std::string& id) {
  RunFiles files;
  files.name = "run-" + id;
  files.dir = store.path() + "/strata/" + files.name;
  files.console_log = files.dir + "/console.log";
  files.exit_dir = files.dir + "/exit";
  files.conmon_pid = files.dir + "/conmon.pid";
  return files;
}

Result<FileLock> hold_run(const Store& store, const std::string& id) {
  return FileLock::acquire(store.own_dir(), run_files(store, id).name + "/" + owner_lock(),
                           FileLock::Mode::Exclusive);
}

bool is_supervised(const Store& store, const std::string& id) {
  auto files = run_files(store, id);
  if (!stat_at(AT_FDCWD, files.dir)) return false;
  auto lock = FileLock::try_acquire(store.own_dir(), files.name + "/" + owner_lock(),
                                    FileLock::Mode::Shared);
  if (!lock && lock.error().code() == ErrorCode::Conflict) return true;
  return is_conmon_of(files.conmon_pid, id);
}

Result<void> remember_process(const Store& store, const std::string& id, int pid) {
  return write_file_atomic(store.own_dir(), run_files(store, id).name + "/process",
                           process_line(pid), 0600);
}

Result<UniqueFd> open_process(const Store& store, const ContainerRecord& record) {
  Error gone(ErrorCode::NotFound, fmt::format("Container {} is not running", record.id));
  if (!record.state.running || record.state.pid <= 0) return gone;
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, record.state.pid, 0)));
  if (!fd && errno != ESRCH) return Error::from_errno(errno, "pidfd_open");
  // Looked at after it was opened: if it is the right one now, the descriptor is, too.
  auto now = process_line(record.state.pid);
  if (!fd || now.ends_with(" \n")) return gone;
  auto then = read_file(store.own_dir(), run_files(store, record.id).name + "/process", 256);
  if (then && *then != now) return gone;
  return fd;
}

bool is_running(const Store& store, const ContainerRecord& record) {
  return open_process(store, record).has_value() || is_supervised(store, record.id);
}

Result<void> finish_run(const Store& store, ContainerRecord& record, const RunEnd& end) {
  auto logged = take_over_log(store, record.id);
  auto& state = record.state;
  state.running = false;
  state.paused = false;
  state.pid = 0;
  state.exit_code = end.exit_code;
  state.error = end.error;
  if (!state.started_at.is_zero()) state.finished_at = Time::now();
  TRY(save_container(store, record));
  remove_mount_point(store, record.id);
  // A runtime forgets by itself what ran in the foreground.
  if (stat_at(AT_FDCWD, runtime_state_dir(store.path()) + "/" + record.id))
    if (auto runtime = open_runtime(store, record)) (void)runtime->remove(record.id, true);
  (void)remove_tree(store.own_dir(), run_files(store, record.id).name);
  return logged;
}

void abandon_run(const Store& store, const std::string& id) {
  (void)remove_tree(store.own_dir(), run_files(store, id).name);
  (void)remove_tree(store.own_dir(), "containers/" + id);
  (void)remove_tree(store.own_dir(), "containers/" + id + ".lock");
}

Result<FileLock> hold_exit_code(const Store& store, const std::string& id) {
  TRY(make_dirs(store.own_dir(), "containers/" + id, 0700));
  return FileLock::acquire(store.own_dir(), "containers/" + id + "/exit-code.lock",
                           FileLock::Mode::Shared);
}

Result<void> remove_after_run(const Store& store, const std::string& id) {
  auto name = "containers/" + id + "/exit-code.lock";
  for (int step = 0; step < kHoldSteps && stat_at(store.own_dir(), name); step++) {
    if (FileLock::try_acquire(store.own_dir(), name, FileLock::Mode::Exclusive)) break;
    sleep_ms(20);
  }
  auto removed = remove_container(store, id, {.force = false, .volumes = true});
  if (!removed && removed.error().code() == ErrorCode::NotFound) return {};
  return removed;
}

Result<ContainerRecord> settle_container(const Store& store, const std::string& id) {
  auto record = TRY(load_container(store, id));
  auto files = run_files(store, id);
  if (!record.state.running && !stat_at(AT_FDCWD, files.dir)) return record;
  {
    auto lock = TRY(lock_container(store, id));
    record = TRY(load_container(store, id));
    if (is_running(store, record)) return record;
    bool was_running = record.state.running;
    RunEnd end{record.state.exit_code, record.state.error};
    if (was_running) {
      auto code = read_exit_code(files.exit_dir, id);
      end = {code ? *code : kKilled, ""};
    }
    TRY(finish_run(store, record, end));
    if (!was_running || !record.host.auto_remove) return record;
  }
  TRY(remove_after_run(store, id));
  return Error(ErrorCode::NotFound, "No such container: " + id);
}

}  // namespace strata
