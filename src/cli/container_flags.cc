#include "cli/container_flags.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/io.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/transfer_output.h"
#include "image/reference.h"

namespace strata::cli {
namespace {

FlagSetter checked_as(ContainerValue kind) {
  return [kind](std::string_view text) { return check_value(kind, std::string(text)); };
}

void add_size(FlagSet& f, std::string& v, std::string_view name, char shorthand,
              std::string_view usage, ContainerValue kind = ContainerValue::Size) {
  f.add(v, name, shorthand, usage).type("bytes").check(checked_as(kind));
}

void add_process_flags(FlagSet& f, ContainerOptions& o) {
  f.add(o.attach, "attach", 'a', "Attach to STDIN, STDOUT or STDERR")
      .check(checked_as(ContainerValue::Stream));
  f.add(o.entrypoint, "entrypoint", 0, "Overwrite the default ENTRYPOINT of the image");
  f.add(o.env, "env", 'e', "Set environment variables").check(checked_as(ContainerValue::Variable));
  f.add(o.env_files, "env-file", 0, "Read in a file of environment variables");
  f.add(o.hostname, "hostname", 'h', "Container host name");
  f.add(o.domainname, "domainname", 0, "Container NIS domain name");
  f.add(o.interactive, "interactive", 'i', "Keep STDIN open even if not attached");
  f.add(o.labels, "label", 'l', "Set meta data on a container");
  f.add(o.stop_signal, "stop-signal", 0, "Signal to stop a container").default_text("SIGTERM");
  f.add(o.stop_timeout, "stop-timeout", 0, "Timeout (in seconds) to stop a container");
  f.add(o.tty, "tty", 't', "Allocate a pseudo-TTY");
  f.add(o.user, "user", 'u', "Username or UID (format: <name|uid>[:<group|gid>])");
  f.add(o.workdir, "workdir", 'w', "Working directory inside the container");
  f.add(o.no_healthcheck, "no-healthcheck", 0, "Disable any container-specified HEALTHCHECK");
}

void add_file_flags(FlagSet& f, ContainerOptions& o) {
  f.add(o.volumes, "volume", 'v', "Bind mount a volume");
  f.add(o.tmpfs, "tmpfs", 0, "Mount a tmpfs directory");
  f.add(o.read_only, "read-only", 0, "Mount the container's root filesystem as read only");
  add_size(f, o.shm_size, "shm-size", 0, "Size of /dev/shm");
}

void add_network_flags(FlagSet& f, ContainerOptions& o) {
  f.add(o.network, "network", 0,
        "Connect a container to a network: \"host\" or \"none\"; a bridge is not there yet")
      .type("network");
  f.add(o.network, "net", 0, "Connect a container to a network").hidden();
  f.add(o.publish, "publish", 'p', "Publish a container's port(s) to the host");
  f.add(o.publish_all, "publish-all", 'P', "Publish all exposed ports to random ports");
  f.add(o.expose, "expose", 0, "Expose a port or a range of ports");
  f.add(o.extra_hosts, "add-host", 0, "Add a custom host-to-IP mapping (host:ip)")
      .check(checked_as(ContainerValue::ExtraHost));
  f.add(o.dns, "dns", 0, "Set custom DNS servers").check(checked_as(ContainerValue::Dns));
  f.add(o.dns_options, "dns-option", 0, "Set DNS options");
  f.add(o.dns_options, "dns-opt", 0, "Set DNS options").hidden();
  f.add(o.dns_search, "dns-search", 0, "Set custom DNS search domains");
}

void add_right_flags(FlagSet& f, ContainerOptions& o) {
  f.add(o.cap_add, "cap-add", 0, "Add Linux capabilities");
  f.add(o.cap_drop, "cap-drop", 0, "Drop Linux capabilities");
  f.add(o.privileged, "privileged", 0, "Give extended privileges to this container");
  f.add(o.security_opt, "security-opt", 0, "Security Options");
  f.add(o.group_add, "group-add", 0, "Add additional groups to join");
  f.add(o.init, "init", 0,
        "Run an init inside the container that forwards signals and reaps processes");
  f.add(o.restart, "restart", 0, "Restart policy to apply when a container exits (only \"no\")");
  f.add(o.runtime, "runtime", 0, "Runtime to use for this container: crun or runc")
      .default_text("crun");
}

void add_limit_flags(FlagSet& f, ContainerOptions& o) {
  add_size(f, o.memory, "memory", 'm', "Memory limit");
  add_size(f, o.memory_reservation, "memory-reservation", 0, "Memory soft limit");
  add_size(f, o.memory_swap, "memory-swap", 0,
           "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
           ContainerValue::SwapSize);
  f.add(o.cpus, "cpus", 0, "Number of CPUs")
      .type("decimal")
      .check(checked_as(ContainerValue::Cpus));
  f.add(o.cpu_shares, "cpu-shares", 'c', "CPU shares (relative weight)");
  f.add(o.cpu_period, "cpu-period", 0, "Limit CPU CFS (Completely Fair Scheduler) period");
  f.add(o.cpu_quota, "cpu-quota", 0, "Limit CPU CFS (Completely Fair Scheduler) quota");
  f.add(o.cpuset_cpus, "cpuset-cpus", 0, "CPUs in which to allow execution (0-3, 0,1)");
  f.add(o.cpuset_mems, "cpuset-mems", 0, "MEMs in which to allow execution (0-3, 0,1)");
  f.add(o.pids_limit, "pids-limit", 0, "Tune container pids limit (set -1 for unlimited)");
  f.add(o.oom_score_adj, "oom-score-adj", 0, "Tune host's OOM preferences (-1000 to 1000)");
  f.add(o.ulimits, "ulimit", 0, "Ulimit options")
      .type("ulimit")
      .check(checked_as(ContainerValue::Limit));
}

/// --cidfile: there before the container is, so that what cannot be told is not made. It goes again
/// if it stays empty.
class CidFile {
 public:
  static Result<CidFile> create(const std::string& path) {
    if (path.empty()) return CidFile({}, "");
    auto fd = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!fd && fd.error().sys_errno() == EEXIST)
      return Error(ErrorCode::Conflict,
                   fmt::format("container ID file found, make sure the other container isn't "
                               "running or delete {}",
                               path));
    if (!fd) fd.error().add_context("failed to create the container ID file");
    return CidFile(TRY(std::move(fd)), path);
  }
  CidFile(CidFile&& o) noexcept : fd_(std::move(o.fd_)), path_(std::exchange(o.path_, {})) {}
  CidFile& operator=(CidFile&&) = delete;
  ~CidFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Result<void> write(const std::string& id) {
    if (path_.empty()) return {};
    TRY(write_all(fd_.get(), id));
    path_.clear();  // it stays
    return {};
  }

 private:
  CidFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

/// The image as docker names it when it is not there.
std::string familiar_name(const std::string& image) {
  auto reference = Reference::parse_normalized(image);
  return reference ? reference->with_default_tag().familiar() : image;
}

/// What docker does for --pull; it is told on the side of the errors.
Result<void> pull_image_of(Call& call, const ContainerFlags& c) {
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  PullRequest request;
  request.reference = c.options.image;
  request.platform = c.platform;
  request.access = {call.globals.config, c.tls_verify};
  TransferOutput output(call.err);
  TRY(pull_images(engine, request, output.events()));
  return {};
}

}  // namespace

void add_container_flags(FlagSet& flags, ContainerFlags& c) {
  auto& o = c.options;
  add_process_flags(flags, o);
  add_file_flags(flags, o);
  add_network_flags(flags, o);
  add_right_flags(flags, o);
  add_limit_flags(flags, o);
  flags.add(o.step, "step", 0,
            "Take the image as it was after this step of its history (1 is the oldest, -1 the "
            "newest)");
  flags.add(o.name, "name", 0, "Assign a name to the container");
  flags.add(o.auto_remove, "rm", 0, "Automatically remove the container when it exits");
  flags.add(c.cidfile, "cidfile", 0, "Write the container ID to the file");
  flags.add(c.pull, "pull", 0, "Pull image before running (\"always\"|\"missing\"|\"never\")");
  flags.add(c.platform, "platform", 0, "Set platform if server is multi-platform capable");
  add_tls_verify(flags, c.tls_verify);
  flags.stop_at_first_operand();
}

Result<void> check_container_flags(Call& call, ContainerFlags& c) {
  c.options.image = call.args[0];
  c.options.command.assign(call.args.begin() + 1, call.args.end());
  return check_as_client(c.options);
}

Result<std::string> create_from_flags(Call& call, ContainerFlags& c) {
  auto cidfile = TRY(CidFile::create(c.cidfile));
  if (c.pull == "always")
    if (auto pulled = pull_image_of(call, c); !pulled)
      return from_daemon(std::move(pulled).error());
  auto created = create_container(engine_options(call), c.options);
  bool no_image = !created && created.error().code() == ErrorCode::NotFound &&
                  created.error().message().starts_with("No such image");
  if (no_image && c.pull == "missing") {
    fmt::print(call.err, "Unable to find image '{}' locally\n", familiar_name(c.options.image));
    if (auto pulled = pull_image_of(call, c); !pulled)
      return from_daemon(std::move(pulled).error());
    created = create_container(engine_options(call), c.options);
  }
  if (!created) return from_daemon(std::move(created).error());
  for (const auto& warning : created->warnings) fmt::print(call.err, "WARNING: {}\n", warning);
  TRY(cidfile.write(created->id));
  return created->id;
}

}  // namespace strata::cli
