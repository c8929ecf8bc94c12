#include "container/create.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/io.h"
#include "base/random_id.h"
#include "base/temp_dir.h"
#include "container/init_layer.h"
#include "container/names.h"
#include "container/spec.h"
#include "container/volumes.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

std::string_view variable_name(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

void merge_env(RunConfig& config, const RunConfig& image) {
  if (!image.env) return;
  if (!config.env || config.env->empty()) {
    config.env = image.env;
    return;
  }
  auto own = *config.env;
  for (const auto& variable : *image.env)
    if (std::none_of(own.begin(), own.end(), [&](const std::string& o) {
          return variable_name(o) == variable_name(variable);
        }))
      config.env->push_back(variable);
}

void merge_healthcheck(RunConfig& config, const RunConfig& image) {
  if (!image.healthcheck) return;
  if (!config.healthcheck) {
    config.healthcheck = image.healthcheck;
    return;
  }
  auto& h = *config.healthcheck;
  if (h.test.empty()) h.test = image.healthcheck->test;
  if (h.interval_ns == 0) h.interval_ns = image.healthcheck->interval_ns;
  if (h.timeout_ns == 0) h.timeout_ns = image.healthcheck->timeout_ns;
  if (h.start_period_ns == 0) h.start_period_ns = image.healthcheck->start_period_ns;
  if (h.start_interval_ns == 0) h.start_interval_ns = image.healthcheck->start_interval_ns;
  if (h.retries == 0) h.retries = image.healthcheck->retries;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) < 0) return "localhost";
  return name.data();
}

/// The caches and the LayerDB mount; taken away again unless keep() was called.
class ContainerLayers {
 public:
  ContainerLayers(const Store& store, std::string container)
      : store_(store), container_(std::move(container)) {}
  ContainerLayers(const ContainerLayers&) = delete;
  ContainerLayers& operator=(const ContainerLayers&) = delete;
  ~ContainerLayers() {
    if (has_mount_) (void)store_.layers().remove_mount(container_);
  }

  /// On the image's layers; `image` is the read-only view of it, -1 if it has none.
  Result<void> make(const std::vector<DiffID>& diff_ids, const LayerBase& base, int image) {
    ContainerMount mount;
    mount.mount_id = random_id();
    mount.init_id = mount.mount_id + "-init";
    init_ = TRY(make_init_layer(store_, image, mount.init_id));
    writable_ = TRY(store_.caches().create(/*with_work=*/true, mount.mount_id));
    if (!diff_ids.empty()) {
      mount.parent = chain_ids(diff_ids).back();
      TRY(store_.caches().set_parent(mount.init_id, base.top_cache, base.lowers));
    }
    auto below = base.lowers;
    below.insert(below.begin(), init_->link());
    TRY(store_.caches().set_parent(mount.mount_id, mount.init_id, below));
    has_mount_ = true;  // also what a failed attempt leaves
    return store_.layers().add_mount(container_, mount);
  }

  void keep() {
    init_->keep();
    writable_->keep();
    has_mount_ = false;
  }

 private:
  const Store& store_;
  std::string container_;
  std::shared_ptr<CacheDir> init_;
  std::shared_ptr<CacheDir> writable_;
  bool has_mount_ = false;
};

/// What runs: entry point and command in one.
Result<void> set_command(ContainerRecord& r) {
  auto& entrypoint = r.config.entrypoint;
  if (entrypoint && entrypoint->size() == 1 && entrypoint->front().empty()) entrypoint.reset();
  std::vector<std::string> argv;
  if (entrypoint) argv = *entrypoint;
  if (r.config.cmd) argv.insert(argv.end(), r.config.cmd->begin(), r.config.cmd->end());
  if (argv.empty()) return Error(ErrorCode::InvalidArgument, "No command specified");
  r.path = argv[0];
  r.args.assign(argv.begin() + 1, argv.end());
  return {};
}

Result<void> check_config(const ContainerRecord& r) {
  const auto& dir = r.config.working_dir;
  if (!dir.empty() && dir[0] != '/')
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the working directory '{}' is invalid, it needs to be an absolute "
                             "path",
                             dir));
  const auto& policy = r.host.restart_policy;
  if (!policy.empty() && policy != "no")
    return Error(ErrorCode::Unsupported,
                 fmt::format("restart policy '{}' needs a daemon; only 'no' is supported", policy));
  const auto& network = r.host.network_mode;
  if (network != "host" && network != "none")
    return Error(ErrorCode::Unsupported, fmt::format("network {} not found", network));
  return {};
}

/// The record as far as image and request decide it.
Result<ContainerRecord> make_record(const CreateRequest& request, const Image& image) {
  ContainerRecord r;
  r.id = random_id();
  r.created = Time::now();
  r.image = image.id.str();
  r.config = merge_run_config(request.config, image.config.config);
  r.config.image = request.image;
  r.host = request.host;
  r.mounts = request.mounts;
  TRY(set_command(r));
  TRY(check_config(r));
  if (r.config.hostname.empty())
    r.config.hostname = r.host.network_mode == "host" ? host_name() : r.id.substr(0, 12);
  r.anonymous_endpoint = request.name.empty();
  return r;
}

bool has_volumes(const ContainerRecord& r) {
  return (r.config.volumes && !r.config.volumes->empty()) ||
         std::any_of(r.mounts.begin(), r.mounts.end(),
                     [](const MountPoint& m) { return m.type == "volume"; });
}

/// The image's files, to be looked at. A layer that stands alone is looked at where it is, because
/// the end of a mount waits for all processors; unless files are read for volumes, which would move
/// their access times in the layer.
Result<UniqueFd> open_image_root(const Store& store, const LayerBase& base, bool to_read) {
  if (base.lowers.size() == 1 && !to_read)
    return open_dir(store.caches().dir(), base.lowers.front());
  return mount_base(store, base);
}

/// containers/<id> appears by rename, with both files in it.
Result<void> publish_record(const Store& store, const ContainerRecord& r) {
  auto name = "new-container-" + random_hex(8);
  TRY(store.note_work("strata/" + name));
  auto dir = TRY(TempDir::create_named(store.own_dir(), name));
  TRY(write_file(dir.fd(), "hostconfig.json", encode_host_config(r), 0644));
  TRY(write_file(dir.fd(), "config.v2.json", encode_container_config(r), 0600));
  if (::mkdirat(dir.fd(), "checkpoints", 0700) < 0 || ::fchmod(dir.fd(), 0710) < 0)
    return Error::from_errno(errno, "container directory");
  TRY(store.unsynced().add_container(r.id));
  return dir.publish(store.containers_dir(), r.id);
}

}  // namespace

RunConfig merge_run_config(const RunConfig& user, const RunConfig& image) {
  RunConfig c = user;
  if (c.user.empty()) c.user = image.user;
  c.exposed_ports.insert(image.exposed_ports.begin(), image.exposed_ports.end());
  merge_env(c, image);
  if (!c.labels) c.labels.emplace();
  if (image.labels) c.labels->insert(image.labels->begin(), image.labels->end());
  if (!c.entrypoint || c.entrypoint->empty()) {
    if (!c.cmd || c.cmd->empty()) {
      c.cmd = image.cmd;
      c.args_escaped = image.args_escaped;
    }
    if (!c.entrypoint) c.entrypoint = image.entrypoint;
  }
  merge_healthcheck(c, image);
  if (c.working_dir.empty()) c.working_dir = image.working_dir;
  if (!c.volumes || c.volumes->empty())
    c.volumes = image.volumes;
  else if (image.volumes)
    c.volumes->insert(image.volumes->begin(), image.volumes->end());
  if (c.stop_signal.empty()) c.stop_signal = image.stop_signal;
  return c;
}

Result<CreatedContainer> create_container(const Store& store, const CreateRequest& request) {
  if (!request.name.empty()) TRY(check_container_name(request.name));
  auto image = TRY(take_image(store, request.image));
  auto record = TRY(make_record(request, image));

  const auto& diff_ids = image.config.diff_ids;
  UniqueFd root;
  auto base = TRY(layer_base(store, diff_ids));
  if (!diff_ids.empty()) root = TRY(open_image_root(store, base, has_volumes(record)));
  if (root) TRY(check_working_dir(root.get(), record.config.working_dir));
  ContainerLayers layers(store, record.id);
  TRY(layers.make(diff_ids, base, root ? root.get() : -1).context("container layers"));
  NewVolumes volumes(store);
  TRY(volumes.make(record, root ? root.get() : -1));

  // Two that choose the same name at once: the second one sees the first.
  TRY(make_dirs(store.own_dir(), "containers", 0700));
  auto names =
      TRY(FileLock::acquire(store.own_dir(), "containers/names.lock", FileLock::Mode::Exclusive));
  if (!request.name.empty()) TRY(check_name_is_free(store, request.name));
  record.name = '/' + (request.name.empty() ? TRY(unused_container_name(store)) : request.name);
  TRY(publish_record(store, record));
  layers.keep();
  volumes.keep();
  return CreatedContainer{std::move(record), {}};
}

}  // namespace strata
