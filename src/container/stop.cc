#include "container/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "container/liveness.h"
#include "container/running.h"

namespace strata {
namespace {

constexpr std::int64_t kKillSeconds = 10;  // docker's patience after SIGKILL
constexpr int kRecordChecks = 500;         // of kRecordCheckMs, until the end is recorded
constexpr int kRecordCheckMs = 10;

Result<void> send(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return Error::from_errno(errno, fmt::format("signal {}", signal));
}

/// Whether the process ended within that time.
Result<bool> ends_within(int pidfd, std::int64_t seconds) {
  int timeout =
      seconds < 0 ? -1 : static_cast<int>(std::min<std::int64_t>(seconds, 1 << 20) * 1000);
  pollfd p = {pidfd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&p, 1, timeout);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return Error::from_errno(errno, "poll");
  return ready > 0;
}

/// The process is gone; gives its supervisor the time to write that down.
Result<void> wait_for_record(const Store& store, const std::string& id) {
  for (int check = 0; check < kRecordChecks; check++) {
    auto record = settle_container(store, id);
    if (!record && record.error().code() == ErrorCode::NotFound) return {};  // --rm
    if (!record) return std::move(record).error();
    if (!record->state.running && !is_supervised(store, id)) return {};
    ::poll(nullptr, 0, kRecordCheckMs);
  }
  return {};
}

Result<void> kill_process(const Store& store, const std::string& id, int pidfd) {
  TRY(send(pidfd, SIGKILL));
  if (!TRY(ends_within(pidfd, kKillSeconds)))
    return Error(
        ErrorCode::System,
        fmt::format("Container {} does not end: sent SIGKILL {} seconds ago", id, kKillSeconds));
  return wait_for_record(store, id);
}

/// A signal reaches a paused process when it goes on.
Result<void> let_go_on(const Store& store, const std::string& id) {
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  return record.state.paused ? set_paused(store, record, false) : Result<void>();
}

/// So that a dockerd that opens the store later does not restart it.
Result<void> note_manual_stop(const Store& store, const std::string& id) {
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  record.has_been_manually_stopped = true;
  return save_container(store, record);
}

}  // namespace

Result<void> stop_container(const Store& store, const std::string& id, int signal,
                            std::int64_t seconds) {
  auto record = TRY(settle_container(store, id));
  auto process = open_process(store, record);
  if (!process && process.error().code() != ErrorCode::NotFound) return std::move(process).error();
  if (!process) return wait_for_record(store, id);
  TRY(note_manual_stop(store, id));
  TRY(send(process->get(), signal));
  if (record.state.paused) TRY(let_go_on(store, id));
  if (TRY(ends_within(process->get(), seconds))) return wait_for_record(store, id);
  return kill_process(store, id, process->get());
}

Result<void> kill_container(const Store& store, const std::string& id, int signal) {
  auto record = TRY(settle_container(store, id));
  auto process = open_process(store, record);
  if (!process && process.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::Conflict, std::move(process).error().message());
  if (!process) return std::move(process).error();
  TRY(note_manual_stop(store, id));
  TRY(send(process->get(), signal));
  if (record.state.paused) TRY(let_go_on(store, id));
  return signal == SIGKILL ? kill_process(store, id, process->get()) : Result<void>();
}

Result<int> wait_for_container(const Store& store, const std::string& id) {
  TRY(load_container(store, id));
  auto hold = TRY(hold_exit_code(store, id));
  while (true) {
    auto record = TRY(settle_container(store, id));
    if (auto process = open_process(store, record))
      TRY(ends_within(process->get(), -1));
    else if (!record.state.running && !is_supervised(store, id))
      return record.state.exit_code;
    ::poll(nullptr, 0, kRecordCheckMs);
  }
}

}  // namespace strata
