// RUN: a command in a container over what the stage has come to.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/io.h"
#include "base/process.h"
#include "base/random_id.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "build/stage.h"
#include "container/init_layer.h"
#include "container/spec.h"
#include "fs/overlay_mount.h"
#include "runtime/find_program.h"
#include "runtime/oci_runtime.h"

namespace strata::build {
namespace {

constexpr int kCancelPoll = 100;  // milliseconds between looks at the stop token

/// Copies what the container writes to the build's output, stderr in red as docker does, until both
/// pipes are closed or the build is cancelled.
Result<void> relay(int out, int err, OrderedOutput& output, const std::stop_token& stop) {
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
      if (i == 0)
        output.write(text);
      else
        output.write(red(text));
    }
  }
  return {};
}

}  // namespace

/// What the container of one RUN needs; all of it is gone when the step is.
struct Stage::RunSandbox {
  std::string id;
  std::shared_ptr<CacheDir> upper;
  UniqueFd mount;
  std::string merged;             // absolute directory where `mount` is attached
  std::optional<TempDir> bundle;  // config.json, hosts, hostname, resolv.conf
  std::string bundle_path;
};

Result<Stage::RunSandbox> Stage::make_sandbox() {
  const Store& store = build_.store;
  RunSandbox box;
  box.id = random_id();
  if (!init_layer_) {
    int image = TRY(root());
    init_layer_ = TRY(make_init_layer(store, image));
  }
  box.upper = TRY(store.caches().create(true));
  std::string directory = box.upper->id();
  OverlaySpec spec;
  spec.overlay_dir = store.caches().dir();
  spec.lowers = base_.lowers;
  spec.lowers.insert(spec.lowers.begin(), init_layer_->link());
  spec.upper = directory + "/diff";
  spec.work = directory + "/work";
  spec.is_volatile = true;  // durable by the one syncfs at the end of the build
  box.mount = TRY(mount_overlay(spec));
  if (::mkdirat(store.caches().dir(), (directory + "/merged").c_str(), 0700) < 0)
    return Error::from_errno(errno, "mkdir merged");
  box.merged = store.path() + "/overlay2/" + directory + "/merged";
  auto bundle = TRY(TempDir::create(store.own_dir(), "run-"));
  box.bundle.emplace(std::move(bundle));
  box.bundle_path = store.path() + "/strata/" + box.bundle->name();
  return box;
}

Result<ContainerSpec> Stage::sandbox_spec(const RunSandbox& box, const RunStep& step) {
  const auto& options = build_.request.run;
  SpecRequest r;
  r.id = box.id;
  r.config = config_;
  r.config.tty = false;
  if (!r.config.env) r.config.env.emplace();
  for (const auto& [name, value] : args_.values()) set_env(*r.config.env, name, value);
  for (const auto& [name, value] : build_.args.proxies())
    if (!env_value(*r.config.env, name)) set_env(*r.config.env, name, value);
  r.argv = step.argv;
  r.network = options.network;
  r.extra_hosts = options.extra_hosts;
  r.rootfs = box.merged;
  r.root = box.mount.get();
  r.files = box.bundle->fd();
  r.files_path = box.bundle_path;
  auto spec = TRY(make_spec(r));
  spec.shm_size = options.shm_size;
  spec.ulimits = options.ulimits;
  spec.limits = options.limits;
  return spec;
}

Result<void> Stage::execute(const RunSandbox& box, const OciRuntime& runtime, const RunStep& step) {
  auto spec = TRY(sandbox_spec(box, step));
  spec.cgroup_mode = runtime.cgroups().mode;
  fit_limits(spec.limits, runtime.cgroups());
  if (auto failure = check_program(box.mount.get(), spec))
    return Error(ErrorCode::InvalidArgument, std::move(failure->message));
  TRY(write_file(box.bundle->fd(), "config.json", oci_config(spec), 0600));

  auto out = TRY(make_pipe());
  auto err = TRY(make_pipe());
  StartOptions start;
  start.bundle = box.bundle_path;
  start.id = box.id;
  start.argv0 = spec.argv.empty() ? "" : spec.argv[0];
  start.rootfs = {box.mount.get(), box.merged};
  start.stdout_fd = out.write.get();
  start.stderr_fd = err.write.get();
  start.new_session = true;  // Ctrl-C is ours to handle
  auto container = TRY(runtime.start(start));
  for (UniqueFd* end : {&out.write, &err.write}) *end = UniqueFd();
  auto relayed = relay(out.read.get(), err.read.get(), build_.output, build_.stop);
  if (!relayed) return relayed;  // dropping the container kills and removes it
  auto outcome = TRY(container.wait());
  if (outcome.failure) return Error(ErrorCode::InvalidArgument, outcome.failure->message);
  if (outcome.status.success()) return {};
  build_.run_exit_code = outcome.status.shell_code();
  return Error(ErrorCode::InvalidArgument,
               fmt::format("The command '{}' returned a non-zero code: {}", join(spec.argv, " "),
                           outcome.status.shell_code()));
}

Stage::RunStep Stage::run_step(const dockerfile::Run& v) const {
  RunStep step;
  if (v.command.shell_form) step.argv = shell();
  step.argv.insert(step.argv.end(), v.command.words.begin(), v.command.words.end());

  // The key and the history show the build arguments in front, sorted as strings: "|2 A=1 B=2 ...".
  std::vector<std::string> words;
  for (const auto& [name, value] : args_.values()) words.push_back(name + '=' + value);
  std::sort(words.begin(), words.end());
  if (!words.empty()) words.insert(words.begin(), fmt::format("|{}", words.size()));
  words.insert(words.end(), step.argv.begin(), step.argv.end());
  step.config = config_;
  step.config.cmd = std::move(words);
  step.config.entrypoint.reset();
  return step;
}

Result<void> Stage::check_run(const dockerfile::Run& v) {
  std::string_view option = !v.mounts.empty()     ? "--mount"
                            : !v.security.empty() ? "--security"
                            : !v.devices.empty()  ? "--device"
                            : !v.network.empty()  ? "--network"
                            : v.script            ? "here-document"
                                                  : "";
  if (!option.empty()) return requires_buildkit(option);
  if (!v.command.shell_form && v.command.words.empty())
    return Error(ErrorCode::InvalidArgument, "No command specified");
  return {};
}

Result<void> Stage::run(const dockerfile::Run& v) {
  TRY(check_run(v));
  auto step = run_step(v);
  if (TRY(look_up(step.config))) return {};

  auto runtime =
      TRY(OciRuntime::open({build_.request.run.runtime, runtime_state_dir(build_.store.path())}));
  auto limits = build_.request.run.limits;
  for (const auto& warning : fit_limits(limits, runtime.cgroups()))
    build_.output.write(fmt::format(" ---> [Warning] {}\n", warning));
  announce_container();
  auto box = TRY(make_sandbox());
  auto done = execute(box, runtime, step);
  box.mount = UniqueFd();
  (void)remove_tree(build_.store.caches().dir(), box.upper->id() + "/merged");
  if (!done) {
    if (build_.request.force_remove) announce_removal();
    return done;
  }
  announce_removal();
  auto layer = TRY(LayerWriter::adopt(build_.store, std::move(box.upper)));
  TRY(stand_on(layer));
  commit(std::move(step.config), std::move(layer));
  return {};
}

}  // namespace strata::build
