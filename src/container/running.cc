#include "container/running.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/process.h"
#include "container/spec.h"

namespace strata {
namespace {

constexpr int kKillTimeoutMs = 10'000;

/// Waits for a process that is not our child.
Result<void> wait_for_end(int pidfd) {
  pollfd p = {pidfd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&p, 1, kKillTimeoutMs);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return Error::from_errno(errno, "poll");
  if (ready == 0) return Error(ErrorCode::System, "it did not end within 10 seconds");
  return {};
}

Result<void> run_runtime(const OciRuntime& runtime, const char* verb, const std::string& id) {
  Command command;
  command.argv = runtime.base_argv("");
  command.argv.insert(command.argv.end(), {verb, id});
  command.in_child = runtime.enter_namespace();
  auto output = TRY(run_and_capture(std::move(command)));
  if (output.status.success()) return {};
  return Error(ErrorCode::Unsupported, fmt::format("cannot {} container {}", verb, id));
}

}  // namespace

Result<OciRuntime> open_runtime(const Store& store, const ContainerRecord& record) {
  OciRuntime::Options options;
  if (record.host.runtime == "runc") options.program = "runc";
  options.state_dir = runtime_state_dir(store.path());
  return OciRuntime::open(std::move(options));
}

Result<void> kill_and_wait(const Store& store, const ContainerRecord& record) {
  auto runtime = TRY(open_runtime(store, record));
  auto state = runtime.state(record.id);
  if (!state && state.error().code() == ErrorCode::NotFound) return {};
  if (!state) return std::move(state).error();
  // By descriptor: its number may soon be that of another process.
  UniqueFd pidfd;
  if (state->pid > 0) pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, state->pid, 0)));
  auto killed = runtime.kill(record.id, SIGKILL);
  if (!killed && killed.error().code() != ErrorCode::Conflict &&
      killed.error().code() != ErrorCode::NotFound)
    return killed;
  if (pidfd) TRY(wait_for_end(pidfd.get()));
  return runtime.remove(record.id, /*force=*/true);
}

Result<PausedContainer> PausedContainer::pause(const Store& store, const ContainerRecord& record) {
  auto runtime = std::make_unique<OciRuntime>(TRY(open_runtime(store, record)));
  TRY(run_runtime(*runtime, "pause", record.id));
  return PausedContainer(std::move(runtime), record.id);
}

PausedContainer::~PausedContainer() {
  if (runtime_) (void)run_runtime(*runtime_, "resume", id_);
}

}  // namespace strata
