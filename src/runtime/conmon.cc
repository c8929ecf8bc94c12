#include "runtime/conmon.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/io.h"
#include "image/json.h"

namespace strata {
namespace {

constexpr int kCreateTimeoutMs = 120'000;
constexpr std::size_t kMaxReport = std::size_t{1} << 20;

std::vector<std::string> conmon_argv(const std::vector<std::string>& runtime,
                                     const DetachOptions& o) {
  std::vector<std::string> argv = {o.program, "--cid", o.id, "--cuuid", o.id};
  auto option = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    argv.emplace_back(name);
    argv.push_back(value);
  };
  option("--name", o.name);
  option("--runtime", runtime[0]);
  // In one word each, because the value starts with a dash.
  for (std::size_t i = 1; i < runtime.size(); i++) argv.push_back("--runtime-arg=" + runtime[i]);
  option("--bundle", o.bundle);
  option("--container-pidfile", o.pid_file);
  option("--conmon-pidfile", o.conmon_pid_file);
  option("--exit-dir", o.exit_dir);
  option("--log-path", "k8s-file:" + o.log_path);
  // Its attach socket stays in the bundle, not in a directory that has to exist.
  argv.emplace_back("--full-attach");
  if (o.terminal) argv.emplace_back("--terminal");
  if (o.open_stdin) {
    argv.emplace_back("--stdin");
    argv.emplace_back("--leave-stdin-open");
  }
  if (!o.exit_command.empty()) {
    option("--exit-command", o.exit_command[0]);
    for (std::size_t i = 1; i < o.exit_command.size(); i++)
      argv.push_back("--exit-command-arg=" + o.exit_command[i]);
  }
  return argv;
}

/// conmon writes one line of JSON: {"pid": 123}, or {"pid": -1, "message": "..."}.
Result<std::string> read_report(int fd) {
  std::string report;
  char buffer[4096];
  while (report.find('\n') == std::string::npos && report.size() < kMaxReport) {
    pollfd wait = {fd, POLLIN, 0};
    int ready = ::poll(&wait, 1, kCreateTimeoutMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Error::from_errno(errno, "poll");
    if (ready == 0) return Error(ErrorCode::System, "conmon does not answer");
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "read from conmon");
    if (n == 0) break;
    report.append(buffer, static_cast<std::size_t>(n));
  }
  return report;
}

Result<Detached> parse_report(const std::string& report, const DetachOptions& options) {
  auto json = Json::parse(report);
  if (!json) return Error(ErrorCode::System, "conmon ended without a report");
  Detached detached;
  auto pid = (*json)["pid"].as_int(-1);
  if (pid > 0) {
    detached.pid = static_cast<pid_t>(pid);
    return detached;
  }
  detached.failure = explain_failure((*json)["message"].as_string(), options.argv0);
  if (!detached.failure)
    return Error(ErrorCode::System, "conmon could not create the container: " + report);
  return detached;
}

std::vector<std::string> environment_with(std::string variable) {
  std::vector<std::string> env;
  for (char** e = environ; *e != nullptr; e++) env.emplace_back(*e);
  env.push_back(std::move(variable));
  return env;
}

}  // namespace

Result<Detached> create_detached(const OciRuntime& runtime, const DetachOptions& options) {
  auto sync = TRY(make_pipe());
  auto log_path = options.bundle + "/runtime.log";
  ::unlink(log_path.c_str());  // of an earlier run

  Command command;
  command.argv = conmon_argv(runtime.base_argv(log_path), options);
  command.env = environment_with(fmt::format("_OCI_SYNCPIPE={}", sync.write.get()));
  command.keep_fds = {sync.write.get()};
  command.in_child = runtime.enter_namespace({options.rootfs});
  command.die_with_parent = false;
  auto process = TRY(Process::start(command));
  sync.write = UniqueFd();
  auto report = read_report(sync.read.get());
  TRY(process.wait());  // conmon itself goes on in a process of its own
  auto text = TRY(std::move(report));
  auto detached = TRY(parse_report(text, options));
  if (detached.failure) (void)runtime.remove(options.id, true);
  return detached;
}

Result<int> read_exit_code(const std::string& exit_dir, const std::string& id) {
  auto text = TRY(read_file(AT_FDCWD, exit_dir + "/" + id, 64));
  int code = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc() || end == text.data())
    return Error(ErrorCode::NotFound, "exit code of container " + id + ": not written yet");
  return code;
}

}  // namespace strata
