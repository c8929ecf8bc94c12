// RUN: a command in a container over what the stage has come to.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "base/io.h"
#include "base/process.h"
#include "base/random_id.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "build/run_step.h"
#include "build/stage.h"
#include "build/step_cache.h"
#include "container/init_layer.h"
#include "container/spec.h"
#include "fs/overlay_mount.h"
#include "runtime/find_program.h"
#include "runtime/oci_runtime.h"

namespace strata::build {
namespace {

constexpr const char* kScripts =
    "/dev/pipes/";  // where here-documents are programs, as in BuildKit
constexpr const char* kFixedHostname = "buildkitsandbox";  // BuildKit's, for reproducible builds
constexpr int kCancelPoll = 100;  // milliseconds between looks at the stop token

constexpr const char* kShellNotice =
    "a shell in what the failed step has left; the build ends with it:\n";

Result<void> open_shell(const OciRuntime& runtime, const StartOptions& start) {
  TRY(write_all(STDERR_FILENO, kShellNotice));
  auto container = TRY(runtime.start(start));
  auto outcome = TRY(container.wait());
  if (outcome.failure) return Error(ErrorCode::InvalidArgument, outcome.failure->message);
  return {};
}

/// Tells what the container writes until both pipes are closed or the build is cancelled.
Result<void> relay(int out, int err, progress::StepReport& output, const std::stop_token& stop) {
  std::array<pollfd, 2> fds = {pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<char, 65536> buffer{};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    if (::poll(fds.data(), fds.size(), kCancelPoll) < 0 && errno != EINTR)
      return Error::from_errno(errno, "poll");
    for (std::size_t i = 0; i < fds.size(); i++) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        fds[i].fd = -1;
        continue;
      }
      std::string_view text(buffer.data(), static_cast<std::size_t>(n));
      output.output(i == 1, text);
    }
  }
  return {};
}

}  // namespace

Result<Stage::RunSandbox> Stage::make_sandbox(const RunStep& step) {
  const Store& store = build_.store;
  RunSandbox box;
  box.id = random_id();
  auto points = TRY(mount_stubs(step));
  if (!init_layer_ || !points.empty()) {
    int image = TRY(root());
    box.init = TRY(make_init_layer(store, image, {}, points));
    if (points.empty()) init_layer_ = box.init;
  } else {
    box.init = init_layer_;
  }
  box.upper = TRY(store.caches().create(true));
  std::string merged = box.upper->id() + "/merged";
  if (::mkdirat(store.caches().dir(), merged.c_str(), 0700) < 0)
    return Error::from_errno(errno, "mkdir merged");
  box.merged = store.path() + "/overlay2/" + merged;
  auto name = "run-" + random_hex(8);
  TRY(store.note_work("strata/" + name));
  auto bundle = TRY(TempDir::create_named(store.own_dir(), name));
  box.bundle.emplace(std::move(bundle));
  box.bundle_path = store.path() + "/strata/" + box.bundle->name();
  TRY(mount_sandbox(box, step));
  return box;
}

/// Everything that is mounted, detached: a process that attaches it takes it away with its end.
Result<void> Stage::mount_sandbox(RunSandbox& box, const RunStep& step) {
  OverlaySpec spec;
  spec.overlay_dir = build_.store.caches().dir();
  spec.lowers = base_.lowers;
  spec.lowers.insert(spec.lowers.begin(), box.init->link());
  spec.upper = box.upper->id() + "/diff";
  spec.work = box.upper->id() + "/work";
  spec.is_volatile = true;  // durable by the one syncfs at the end of the build
  box.mount = TRY(mount_overlay(spec));
  TRY(prepare_mounts(box, step));
  if (!step.script.empty()) {
    TRY(write_file(box.bundle->fd(), "script", step.script, 0755));
    box.mounts.push_back(bind_mount(box.bundle_path + "/script", step.script_path, true));
  }
  return {};
}

/// The mounts of a sandbox whose container has ended, for another one.
Result<void> Stage::mount_again(RunSandbox& box, const RunStep& step) {
  box.mount = UniqueFd();
  box.attached.clear();
  box.secrets = UniqueFd();
  box.secrets_path.clear();
  box.relays.clear();
  box.caches.clear();
  box.mounts.clear();
  box.env.clear();
  // What was written last is in the page cache, which is all that a shell needs.
  auto incompatible = box.upper->id() + "/work/work/incompat";
  auto removed = remove_tree(build_.store.caches().dir(), incompatible);
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  for (const auto& name : TRY(list_dir(box.bundle->fd())))
    if (name.starts_with("agent.")) ::unlinkat(box.bundle->fd(), name.c_str(), 0);
  return mount_sandbox(box, step);
}

Result<ContainerSpec> Stage::sandbox_spec(const RunSandbox& box, const RunStep& step) {
  const auto& options = build_.request.run;
  SpecRequest r;
  r.id = box.id;
  r.config = config_;
  r.config.tty = false;
  if (build_.epoch && r.config.hostname.empty()) r.config.hostname = kFixedHostname;
  if (!r.config.env) r.config.env.emplace();
  for (const auto& [name, value] : args_.values()) set_env(*r.config.env, name, value);
  for (const auto& [name, value] : build_.args.proxies())
    if (!env_value(*r.config.env, name)) set_env(*r.config.env, name, value);
  for (const auto& [name, value] : box.env) set_env(*r.config.env, name, value);
  r.argv = step.argv;
  r.network = step.network;
  r.extra_hosts = options.extra_hosts;
  r.rootfs = box.merged;
  r.root = box.mount.get();
  r.files = box.bundle->fd();
  r.files_path = box.bundle_path;
  auto spec = TRY(make_spec(r));
  spec.shm_size = options.shm_size;
  spec.ulimits = options.ulimits;
  spec.limits = options.limits;
  spec.privileged = step.privileged;
  spec.mounts.insert(spec.mounts.end(), box.mounts.begin(), box.mounts.end());
  return spec;
}

StartOptions Stage::start_options(const RunSandbox& box, const ContainerSpec& spec,
                                  const std::string& id) {
  StartOptions start;
  start.bundle = box.bundle_path;
  start.id = id;
  start.argv0 = spec.argv.empty() ? "" : spec.argv[0];
  start.rootfs = {box.mount.get(), box.merged};
  for (const auto& [mount, path] : box.attached) start.more_mounts.push_back({mount.get(), path});
  if (box.secrets) start.more_mounts.push_back({box.secrets.get(), box.secrets_path});
  return start;
}

Result<void> Stage::execute(const RunSandbox& box, const OciRuntime& runtime, const RunStep& step) {
  auto spec = TRY(sandbox_spec(box, step));
  spec.cgroup_mode = runtime.cgroups().mode;
  fit_limits(spec.limits, runtime.cgroups());
  // Before the runtime, whose message is worse; but only it sees what is mounted.
  if (box.mounts.empty())
    if (auto failure = check_program(box.mount.get(), spec))
      return Error(ErrorCode::InvalidArgument, std::move(failure->message));
  auto config = runtime.config(spec);
  TRY(write_config(box, config.json));

  auto out = TRY(make_pipe());
  auto err = TRY(make_pipe());
  auto start = start_options(box, spec, box.id);
  start.stdout_fd = out.write.get();
  start.stderr_fd = err.write.get();
  start.new_session = true;  // Ctrl-C is ours to handle
  start.learn = config.learn;
  auto container = TRY(runtime.start(start));
  std::jthread learning;  // once for a profile
  if (!config.learn.empty()) learning = std::jthread([&] { container.wait_started(); });
  for (UniqueFd* end : {&out.write, &err.write}) *end = UniqueFd();
  auto relayed = relay(out.read.get(), err.read.get(), output_, build_.stop);
  if (!relayed) {
    container.end();
    return relayed;
  }
  auto outcome = TRY(container.wait());
  if (outcome.failure) return Error(ErrorCode::InvalidArgument, outcome.failure->message);
  if (outcome.status.success()) return {};
  exit_code_ = outcome.status.shell_code();
  return Error(ErrorCode::InvalidArgument,
               fmt::format("The command '{}' returned a non-zero code: {}", join(spec.argv, " "),
                           outcome.status.shell_code()));
}

Result<void> Stage::keep_for_shell(RunSandbox box, const OciRuntime& runtime, const RunStep& step) {
  {
    std::lock_guard lock(build_.mutex);
    if (build_.failed_shell) return {};
  }
  auto kept = std::make_shared<RunSandbox>(std::move(box));
  TRY(mount_again(*kept, step));
  RunStep shell_step = step;
  shell_step.argv = {shell()[0]};
  auto spec = TRY(sandbox_spec(*kept, shell_step));
  spec.cgroup_mode = runtime.cgroups().mode;
  fit_limits(spec.limits, runtime.cgroups());
  spec.terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  std::lock_guard lock(build_.mutex);
  build_.failed_shell = [kept, spec, runtime, id = random_id()]() -> Result<void> {
    TRY(write_config(*kept, runtime.config(spec).json));
    auto start = start_options(*kept, spec, id);
    start.stdin_fd = STDIN_FILENO;
    start.stdout_fd = STDOUT_FILENO;
    start.stderr_fd = STDERR_FILENO;
    start.terminal = spec.terminal;
    return open_shell(runtime, start);
  };
  return {};
}

Result<Stage::RunStep> Stage::run_step(const dockerfile::Run& v) {
  RunStep step;
  step.mounts = TRY(run_mounts(v));
  step.network = v.network == "none"   ? NetworkMode::None
                 : v.network == "host" ? NetworkMode::Host
                                       : build_.request.run.network;
  step.privileged = v.security == "insecure";

  // The key and the history show the build arguments in front, sorted as strings: "|2 A=1 B=2 ...",
  // and behind them the flags that decide about the result.
  std::vector<std::string> words;
  for (const auto& [name, value] : args_.values()) words.push_back(name + '=' + value);
  std::sort(words.begin(), words.end());
  // docker counts proxies that no ARG declares, and leaves them out only then: "|0".
  const auto env = config_.env.value_or(EnvList());
  bool any = !words.empty();
  for (const auto& [name, value] : build_.args.proxies()) any = any || !env_value(env, name);
  if (any) words.insert(words.begin(), fmt::format("|{}", words.size()));
  for (const auto& mount : step.mounts) words.push_back(TRY(mount_word(mount)));
  if (!v.network.empty()) words.push_back("--network=" + v.network);
  if (step.privileged) words.emplace_back("--security=insecure");

  if (v.script) {
    step.script = v.command.words[0];
    step.script_path = kScripts + v.heredocs[0].name;
    step.argv = {step.script_path};
    words.push_back(step.script);
  } else {
    if (v.command.shell_form) step.argv = shell();
    step.argv.insert(step.argv.end(), v.command.words.begin(), v.command.words.end());
    words.insert(words.end(), step.argv.begin(), step.argv.end());
  }
  step.config = config_;
  step.config.cmd = std::move(words);
  step.config.entrypoint.reset();
  return step;
}

/// What decides about a RUN in the second cache: unlike docker's also the network.
std::string Stage::run_material(const RunStep& step) const {
  const auto& run = build_.request.run;
  std::vector<std::string> inputs = {"run", config_.user, config_.working_dir};
  inputs.emplace_back(step.network == NetworkMode::None ? "none" : "host");
  inputs.push_back(std::to_string(run.shm_size));
  auto add_list = [&](std::vector<std::string> list) {
    inputs.push_back(std::to_string(list.size()));
    inputs.insert(inputs.end(), list.begin(), list.end());
  };
  add_list(run.extra_hosts);
  auto env = config_.env.value_or(EnvList());
  std::sort(env.begin(), env.end());
  add_list(std::move(env));
  auto words = step.config.cmd.value_or(std::vector<std::string>());
  if (!words.empty() && words[0] == "|0") words.erase(words.begin());  // proxies decide nothing
  add_list(std::move(words));
  return StepCache::material(inputs);
}

Result<void> Stage::check_run(const dockerfile::Run& v) const {
  if (!v.devices.empty()) return Error(ErrorCode::Unsupported, "RUN --device is not supported");
  if (v.security == "insecure" && !build_.request.allow_insecure)
    return Error(ErrorCode::InvalidArgument,
                 "RUN --security=insecure: not allowed without --allow security.insecure");
  if (v.script && v.heredocs[0].name.find('/') != std::string::npos)
    return Error(
        ErrorCode::InvalidArgument,
        fmt::format("here-document {}: its name cannot be that of a file", v.heredocs[0].name));
  if (!v.command.shell_form && v.command.words.empty())
    return Error(ErrorCode::InvalidArgument, "No command specified");
  return {};
}

/// One for all steps: it has looked at the cgroups, and has one guardian.
Result<OciRuntime> Stage::runtime() {
  std::lock_guard lock(build_.mutex);
  if (!build_.runtime)
    build_.runtime = std::make_shared<OciRuntime>(TRY(
        OciRuntime::open({build_.request.run.runtime, runtime_state_dir(build_.store.path())})));
  return *build_.runtime;
}

Result<void> Stage::run(const dockerfile::Run& v) {
  TRY(check_run(v));
  auto step = TRY(run_step(v));
  auto material = run_material(step);
  if (TRY(look_up(step.config, material))) return {};
  if (TRY(reuse(step.config, material))) return {};

  auto runtime = TRY(this->runtime());
  auto limits = build_.request.run.limits;
  for (const auto& warning : fit_limits(limits, runtime.cgroups()))
    output_.write(fmt::format(" ---> [Warning] {}\n", warning));
  announce_container();
  auto box = TRY(make_sandbox(step));
  auto done = execute(box, runtime, step);
  if (!done && build_.request.shell_on_failure && !build_.stop.stop_requested()) {
    // The shell is a help: what keeps it away must not hide why the step failed.
    if (auto kept = keep_for_shell(std::move(box), runtime, step); !kept)
      output_.write(fmt::format("no shell: {}\n", kept.error().message()));
    return done;
  }
  box.mount = UniqueFd();
  (void)remove_tree(build_.store.caches().dir(), box.upper->id() + "/merged");
  box.init.reset();
  if (!done) {
    if (build_.request.force_remove) announce_removal();
    return done;
  }
  announce_removal();
  TRY(settle_times(*box.upper));
  auto layer = TRY(LayerWriter::adopt(build_.store, std::move(box.upper)));
  TRY(stand_on(layer));
  reading_run_ = true;
  return commit({.container_config = std::move(step.config),
                 .layer = std::move(layer),
                 .material = std::move(material)});
}

}  // namespace strata::build
