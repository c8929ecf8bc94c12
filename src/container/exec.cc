#include "container/exec.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/io.h"
#include "base/random_id.h"
#include "container/liveness.h"
#include "container/running.h"
#include "image/json.h"
#include "runtime/bundle.h"
#include "runtime/find_program.h"
#include "runtime/user.h"

namespace strata {
namespace {

constexpr int kNotStarted = 126;  // docker's exit code for every exec that could not be started

/// The files of one exec in the container's bundle, gone with this object.
class ExecFiles {
 public:
  explicit ExecFiles(const std::string& bundle)
      : process_(bundle + "/exec-" + random_hex(8) + ".json"), log_(process_ + ".log") {}
  ExecFiles(const ExecFiles&) = delete;
  ExecFiles& operator=(const ExecFiles&) = delete;
  ~ExecFiles() {
    ::unlink(process_.c_str());
    ::unlink(log_.c_str());
  }
  const std::string& process() const { return process_; }
  const std::string& log() const { return log_; }

 private:
  std::string process_;
  std::string log_;
};

bool has_home(const std::vector<std::string>& env) {
  return std::any_of(env.begin(), env.end(), [](const auto& e) { return e.starts_with("HOME="); });
}

/// Names are looked up in the container's own files, as its processes see them.
Result<void> set_user(ExecSpec& spec, const ContainerRecord& record, int root,
                      const std::string& user) {
  auto resolved = TRY(resolve_user(root, user));
  auto gids = resolved.additional_gids;
  if (std::find(gids.begin(), gids.end(), resolved.gid) == gids.end()) gids.push_back(resolved.gid);
  spec.user = ExecSpec::User{resolved.uid, resolved.gid, std::move(gids)};
  bool is_configured = record.config.env && has_home(*record.config.env);
  if (!is_configured && !has_home(spec.env)) spec.env.push_back("HOME=" + resolved.home);
  return {};
}

/// A runtime would write its own words to the program's stderr as well.
std::optional<RuntimeFailure> check_exec(int root, const std::string& process) {
  auto json = Json::parse(process);
  if (!json) return std::nullopt;
  ContainerSpec spec;
  spec.argv = (*json)["args"].as_strings();
  spec.env = (*json)["env"].as_strings();
  spec.cwd = (*json)["cwd"].as_string();
  return check_program(root, spec, RuntimeCall::Exec);
}

RunOutcome not_started(const std::string& message) {
  RunOutcome outcome;
  outcome.failure = RuntimeFailure{message, kNotStarted};
  outcome.status.code = kNotStarted;
  return outcome;
}

Result<void> check_state(const Store& store, const ContainerRecord& record,
                         const std::string& name) {
  if (!is_running(store, record) || record.state.pid <= 0)
    return Error(ErrorCode::Conflict, fmt::format("Container {} is not running", record.id));
  if (record.state.paused)
    return Error(ErrorCode::Conflict,
                 fmt::format("Container {} is paused, unpause the container before exec", name));
  return {};
}

}  // namespace

Result<RunOutcome> exec_in_container(const Store& store, const ContainerRecord& record,
                                     const ExecRequest& request) {
  TRY(check_state(store, record, request.name));
  auto bundle = run_files(store, record.id).dir;
  auto config = TRY(read_file(AT_FDCWD, bundle + "/config.json"));
  ExecSpec spec;
  spec.argv = request.argv;
  spec.env = request.env;
  spec.cwd = request.workdir;
  spec.terminal = request.tty;
  spec.privileged = request.privileged;
  auto root =
      TRY(open_at(AT_FDCWD, fmt::format("/proc/{}/root", record.state.pid), O_PATH | O_DIRECTORY));
  if (!request.user.empty()) {
    auto set = set_user(spec, record, root.get(), request.user);
    if (!set) return not_started(set.error().message());
  }
  auto process = TRY(oci_exec_process(config, spec));
  if (auto failure = check_exec(root.get(), process)) return not_started(failure->message);

  ExecFiles files(bundle);
  TRY(write_file(AT_FDCWD, files.process(), process, 0600));
  ExecOptions options;
  options.id = record.id;
  options.process_path = files.process();
  options.log_path = files.log();
  options.argv0 = request.argv.front();
  options.stdin_fd = request.stdin_fd;
  options.stdout_fd = request.stdout_fd;
  options.stderr_fd = request.stderr_fd;
  options.terminal = request.tty;
  options.detach = request.detach;
  auto runtime = TRY(open_runtime(store, record));
  auto outcome = TRY(runtime.exec(options));
  if (outcome.failure) outcome.failure->exit_code = kNotStarted;
  return outcome;
}

}  // namespace strata
