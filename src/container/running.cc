#include "container/running.h"

#include "base/process.h"
#include "container/liveness.h"
#include "container/spec.h"

namespace strata {
namespace {

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

Result<void> set_paused(const Store& store, ContainerRecord& record, bool paused) {
  auto conflict = [&](std::string_view why) {
    return Error(ErrorCode::Conflict, fmt::format("Container {} is {}", record.id, why));
  };
  if (!is_running(store, record)) return conflict(paused ? "not running" : "not paused");
  if (record.state.paused == paused) return conflict(paused ? "already paused" : "not paused");
  auto runtime = TRY(open_runtime(store, record));
  TRY(run_runtime(runtime, paused ? "pause" : "resume", record.id));
  record.state.paused = paused;
  return save_container(store, record);
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
