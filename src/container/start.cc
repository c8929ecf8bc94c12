#include "container/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "base/temp_dir.h"
#include "container/run_spec.h"
#include "container/running.h"
#include "container/spec.h"
#include "fs/overlay_mount.h"
#include "runtime/find_program.h"

namespace strata {
namespace {

constexpr int kFailedStart = 128;  // docker's, for all that is not the program's fault

/// resolv.conf is the host's unless something else was asked for.
Result<void> write_dns(int files, const HostConfig& host) {
  if (host.dns.empty() && host.dns_search.empty() && host.dns_options.empty()) return {};
  std::string text;
  auto line = [&](const char* key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    text += key;
    for (const auto& value : values) text += " " + value;
    text += "\n";
  };
  line("search", host.dns_search);
  for (const auto& server : host.dns) line("nameserver", {server});
  if (host.dns.empty())
    if (auto own = read_file(AT_FDCWD, "/etc/resolv.conf")) text += *own;
  line("options", host.dns_options);
  return write_file(files, "resolv.conf", text, 0644);
}

/// Only what was asked for: a container that dockerd made for a bridge must not find itself in the
/// host's network.
Result<NetworkMode> network_mode(const std::string& name) {
  if (name == "host") return NetworkMode::Host;
  if (name == "none") return NetworkMode::None;
  return Error(ErrorCode::Unsupported,
               fmt::format("network '{}' is not supported; use 'host' or 'none'", name));
}

Result<SpecRequest> spec_request(const ContainerRecord& record) {
  SpecRequest r;
  r.id = record.id;
  r.argv.push_back(record.path);
  r.argv.insert(r.argv.end(), record.args.begin(), record.args.end());
  r.config = record.config;
  r.network = TRY(network_mode(record.host.network_mode));
  if (record.host.extra_hosts) r.extra_hosts = *record.host.extra_hosts;
  return r;
}

}  // namespace

PreparedRun::PreparedRun(PreparedRun&& o) noexcept
    : store_(std::exchange(o.store_, nullptr)),
      runtime_(std::move(o.runtime_)),
      files_(std::move(o.files_)),
      mount_(std::move(o.mount_)),
      merged_(std::move(o.merged_)),
      argv0_(std::move(o.argv0_)),
      learn_(std::move(o.learn_)),
      kept_(o.kept_) {}

PreparedRun::~PreparedRun() {
  if (store_ == nullptr || kept_) return;
  mount_ = UniqueFd();
  if (!merged_.empty()) ::rmdir(merged_.c_str());
  (void)remove_tree(store_->own_dir(), files_.name);
}

Result<void> PreparedRun::mount_rootfs(const ContainerRecord& record) {
  auto layers = TRY(store_->layers().mount(record.id).context("container {}", record.id));
  const auto& caches = store_->caches();
  OverlaySpec spec;
  spec.overlay_dir = caches.dir();
  if (!layers.init_id.empty()) spec.lowers = TRY(caches.stack(layers.init_id));
  if (layers.init_id.empty() && layers.parent) {
    auto top = TRY(store_->layers().get(*layers.parent));
    spec.lowers = TRY(caches.stack(top.cache_id));
  }
  spec.upper = layers.mount_id + "/diff";
  spec.work = layers.mount_id + "/work";
  spec.is_volatile = record.host.auto_remove;  // its end needs no sync: nothing of it stays
  mount_ = TRY(mount_overlay(spec));
  merged_ = store_->path() + "/overlay2/" + layers.mount_id + "/merged";
  if (::mkdir(merged_.c_str(), 0700) < 0 && errno != EEXIST)
    return Error::from_errno(errno, "mkdir " + merged_);
  return {};
}

Result<void> PreparedRun::write_bundle(const ContainerRecord& record,
                                       const std::function<void(std::string_view)>& warn) {
  auto files = TRY(open_dir(store_->containers_dir(), record.id));
  TRY(check_working_dir(mount_.get(), record.config.working_dir));
  auto request = TRY(spec_request(record));
  request.rootfs = merged_;
  request.root = mount_.get();
  request.files = files.get();
  request.files_path = store_->path() + "/containers/" + record.id;
  auto spec = TRY(make_spec(request));
  TRY(write_dns(files.get(), record.host));
  TRY(apply_host_config(spec, record, mount_.get()));
  spec.cgroup_mode = runtime_.cgroups().mode;
  for (const auto& line : fit_limits(spec.limits, runtime_.cgroups())) warn(line);
  argv0_ = record.path;
  if (auto failure = check_program(mount_.get(), spec))
    return Error(ErrorCode::InvalidArgument, std::move(failure->message));
  auto config = runtime_.config(spec);
  learn_ = std::move(config.learn);
  return write_file(store_->own_dir(), files_.name + "/config.json", config.json, 0600);
}

Result<PreparedRun> PreparedRun::prepare(const Store& store, ContainerRecord& record,
                                         const std::function<void(std::string_view)>& warn) {
  auto runtime = TRY(open_runtime(store, record));
  PreparedRun run(store, std::move(runtime), run_files(store, record.id));
  if (::mkdir(run.files_.dir.c_str(), 0700) < 0)
    return Error::from_errno(errno, "mkdir " + run.files_.dir);
  TRY(run.mount_rootfs(record));
  TRY(run.write_bundle(record, warn));
  auto files = store.path() + "/containers/" + record.id + "/";
  record.log_path = files + record.id + "-json.log";
  record.hostname_path = files + "hostname";
  record.hosts_path = files + "hosts";
  record.resolv_conf_path = files + "resolv.conf";
  return run;
}

Result<void> record_start(const Store& store, ContainerRecord& record, int pid) {
  TRY(remember_process(store, record.id, pid));
  auto& state = record.state;
  state.running = true;
  state.pid = pid;
  state.exit_code = 0;
  state.error.clear();
  state.oom_killed = false;
  state.started_at = Time::now();
  record.has_been_started_before = true;
  record.has_been_manually_stopped = false;
  return save_container(store, record);
}

int failed_start_exit_code(std::string_view message) {
  auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (has("executable file not found") || has("no such file or directory")) return 127;
  return has("permission denied") ? 126 : 125;
}

Result<void> record_failed_start(const Store& store, ContainerRecord& record,
                                 std::string_view message) {
  int code = failed_start_exit_code(message);
  record.state.running = false;
  record.state.pid = 0;
  record.state.exit_code = code == 125 ? kFailedStart : code;
  record.state.error = message;
  return save_container(store, record);
}

}  // namespace strata
