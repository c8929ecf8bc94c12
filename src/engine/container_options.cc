#include "engine/container_options.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/io.h"
#include "base/text.h"
#include "build/ports.h"
#include "container/limits.h"
#include "engine/limit_texts.h"
#include "image/reference.h"
#include "image/units.h"

namespace strata {
namespace {

Error invalid(std::string message) { return Error(ErrorCode::InvalidArgument, std::move(message)); }

bool is_number(std::string_view text, std::int64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// "NAME" takes the value that this process has, if it has one.
Result<std::string> resolve_variable(const std::string& text) {
  auto name = text.substr(0, text.find('='));
  if (name.empty()) return invalid("invalid environment variable: " + text);
  if (name.size() < text.size()) return text;
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? text : name + '=' + value;
}

Result<void> read_env_file(const std::string& path, std::vector<std::string>& env) {
  auto text = TRY(read_file(AT_FDCWD, path, std::size_t{1} << 20));
  for (auto view : split(text, '\n')) {
    std::string line(view);
    if (line.ends_with('\r')) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line[0] == '#') continue;
    auto name = line.substr(0, line.find('='));
    if (name.empty()) return invalid("no variable name on line '" + line + "'");
    if (name.find_first_of(" \t") != std::string::npos)
      return invalid(
          fmt::format("poorly formatted environment: variable '{}' contains whitespaces", name));
    auto variable = TRY(resolve_variable(line));
    if (variable.find('=') != std::string::npos) env.push_back(std::move(variable));
  }
  return {};
}

Result<void> set_attachment(const ContainerOptions& o, RunConfig& c) {
  for (const auto& stream : o.attach) {
    TRY(check_value(ContainerValue::Stream, stream));
    c.attach_stdin |= stream == "stdin" || stream == "STDIN";
    c.attach_stdout |= stream == "stdout" || stream == "STDOUT";
    c.attach_stderr |= stream == "stderr" || stream == "STDERR";
  }
  if (o.attach.empty() && !o.detach) {
    c.attach_stdin = o.interactive;
    c.attach_stdout = true;
    c.attach_stderr = true;
  }
  c.tty = o.tty;
  c.open_stdin = o.interactive;
  c.stdin_once = c.open_stdin && c.attach_stdin;
  return {};
}

/// ":/path" is a volume without a name, as "/path".
std::vector<std::string> volumes_of(const ContainerOptions& o) {
  auto volumes = o.volumes;
  for (auto& volume : volumes)
    if (volume.starts_with(":/") && volume.find(':', 1) == std::string::npos) volume.erase(0, 1);
  return volumes;
}

Result<RunConfig> run_config(const ContainerOptions& o) {
  RunConfig c;
  c.hostname = o.hostname;
  c.domainname = o.domainname;
  c.user = o.user;
  c.working_dir = o.workdir;
  TRY(set_attachment(o, c));
  if (auto env = TRY(caller_environment(o.env_files, o.env)); !env.empty()) c.env = std::move(env);
  if (!o.command.empty()) c.cmd = o.command;
  if (o.entrypoint) c.entrypoint = {*o.entrypoint};
  c.labels.emplace();
  for (const auto& label : o.labels) {
    auto equals = std::min(label.find('='), label.size());
    (*c.labels)[label.substr(0, equals)] = label.substr(std::min(equals + 1, label.size()));
  }
  for (const auto& word : o.expose)
    for (auto& port : TRY(build::parse_exposed_port(word))) c.exposed_ports.insert(std::move(port));
  if (!o.stop_signal.empty()) TRY(build::parse_stop_signal(o.stop_signal));
  c.stop_signal = o.stop_signal;
  c.stop_timeout = o.stop_timeout;
  if (o.no_healthcheck) c.healthcheck = HealthConfig{.test = {"NONE"}};
  for (const auto& volume : volumes_of(o)) {
    if (volume.find(':') != std::string::npos) continue;
    if (!volume.starts_with('/') || volume == "/")
      return invalid(fmt::format("invalid volume specification: '{}'", volume));
    if (!c.volumes) c.volumes.emplace();
    c.volumes->insert(volume);
  }
  return c;
}

Result<void> set_limits(const ContainerOptions& o, HostConfig& h) {
  auto& l = h.limits;
  l.memory = TRY(parse_limit_size(o.memory));
  l.memory_swap = TRY(parse_limit_size(o.memory_swap));
  l.memory_reservation = TRY(parse_limit_size(o.memory_reservation));
  l.cpu_shares = unless_zero(o.cpu_shares);
  l.cpu_period = unless_zero(o.cpu_period);
  l.cpu_quota = unless_zero(o.cpu_quota);
  l.cpuset_cpus = o.cpuset_cpus;
  l.cpuset_mems = o.cpuset_mems;
  if (o.pids_limit > 0) l.pids = o.pids_limit;
  h.nano_cpus = TRY(parse_cpus(o.cpus));
  TRY(check_limits(l, h.nano_cpus, LimitsFor::NewContainer));
  // As docker: as much swap as memory.
  if (l.memory && !l.memory_swap) l.memory_swap = *l.memory * 2;
  for (const auto& text : o.ulimits) h.ulimits.push_back(TRY(parse_ulimit(text)));
  if (auto size = TRY(parse_limit_size(o.shm_size))) h.shm_size = *size;
  if (h.shm_size < 0) return invalid("SHM size can not be less than 0");
  return {};
}

/// What needs something that is not there.
Result<void> check_supported(const ContainerOptions& o) {
  if (!o.publish.empty() || o.publish_all)
    return Error(ErrorCode::Unsupported,
                 "ports cannot be published: there is no bridge network; with --network host the "
                 "container has the host's ports");
  if (o.init)
    return Error(ErrorCode::Unsupported, "--init is not supported: there is no init program");
  constexpr std::string_view kRestart[] = {"always", "unless-stopped", "on-failure"};
  auto restart = o.restart.substr(0, o.restart.find(':'));
  if (restart != "no" && !restart.empty() &&
      std::find(std::begin(kRestart), std::end(kRestart), restart) == std::end(kRestart))
    return invalid(fmt::format("invalid restart policy '{}'", restart));
  if (restart != "no" && !restart.empty())
    return Error(
        ErrorCode::Unsupported,
        fmt::format("restart policy '{}' needs a daemon; only 'no' is supported", o.restart));
  if (!o.runtime.empty() && o.runtime != "crun" && o.runtime != "runc")
    return invalid("Unknown runtime specified " + o.runtime);
  return {};
}

Result<std::vector<std::string>> capabilities(std::string_view flag,
                                              const std::vector<std::string>& names) {
  for (const auto& name : names) {
    auto known = parse_capability(name);
    if (!known)
      return invalid(fmt::format("invalid {}: unknown {}", flag,
                                 known.error().message().substr(std::string("invalid ").size())));
  }
  return names;
}

bool is_ip_address(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, text.c_str(), address) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address) == 1;
}

Result<void> check_host(const std::string& text) {
  auto colon = text.find(':');
  if (colon == 0 || colon == std::string::npos)
    return invalid(fmt::format("bad format for add-host: \"{}\"", text));
  auto address = text.substr(colon + 1);
  if (address != "host-gateway" && !is_ip_address(address))
    return invalid(fmt::format("invalid IP address in add-host: \"{}\"", address));
  return {};
}

/// The options that mount(2) or tmpfs itself knows, as dockerd lets them through.
Result<void> check_tmpfs_options(std::string_view options) {
  constexpr std::string_view kFlags[] = {
      "ro",          "rw",          "suid",          "nosuid",
      "dev",         "nodev",       "exec",          "noexec",
      "sync",        "async",       "dirsync",       "mand",
      "nomand",      "atime",       "noatime",       "diratime",
      "nodiratime",  "bind",        "rbind",         "unbindable",
      "runbindable", "private",     "rprivate",      "shared",
      "rshared",     "slave",       "rslave",        "relatime",
      "norelatime",  "strictatime", "nostrictatime", "remount",
      "defaults"};
  constexpr std::string_view kValues[] = {"mode",      "uid",  "gid", "nr_inodes",
                                          "nr_blocks", "mpol", "size"};
  auto knows = [](const auto& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
  };
  if (options.empty()) return {};
  for (auto option : split(options, ',')) {
    auto equals = option.find('=');
    bool known = equals == std::string_view::npos ? knows(kFlags, option)
                                                  : knows(kValues, option.substr(0, equals));
    if (!known) return invalid(fmt::format("invalid tmpfs option [\"{}\"]", option));
  }
  return {};
}

Result<void> add_tmpfs(HostConfig& h, const std::string& text) {
  auto colon = std::min(text.find(':'), text.size());
  auto path = text.substr(0, colon);
  auto options = text.substr(std::min(colon + 1, text.size()));
  if (!path.starts_with('/'))
    return invalid(fmt::format("invalid mount path: '{}' mount path must be absolute", path));
  if (path.find_first_not_of('/') == std::string::npos)
    return invalid("invalid specification: destination can't be '/'");
  TRY(check_tmpfs_options(options));
  h.tmpfs[path] = options;
  return {};
}

std::optional<std::vector<std::string>> unless_empty(std::vector<std::string> list) {
  if (list.empty()) return std::nullopt;
  return list;
}

Result<HostConfig> host_config(const ContainerOptions& o) {
  TRY(check_supported(o));
  for (const auto& host : o.extra_hosts) TRY(check_value(ContainerValue::ExtraHost, host));
  for (const auto& server : o.dns) TRY(check_value(ContainerValue::Dns, server));
  HostConfig h;
  for (const auto& volume : volumes_of(o))
    if (volume.find(':') != std::string::npos &&
        std::find(h.binds.begin(), h.binds.end(), volume) == h.binds.end())
      h.binds.push_back(volume);
  for (const auto& text : o.tmpfs) TRY(add_tmpfs(h, text));
  // "default" is the host's network until there are bridges.
  h.network_mode = o.network.empty() || o.network == "default" ? "host" : o.network;
  h.auto_remove = o.auto_remove;
  h.cap_add = unless_empty(TRY(capabilities("CapAdd", o.cap_add)));
  h.cap_drop = unless_empty(TRY(capabilities("CapDrop", o.cap_drop)));
  h.dns = o.dns;
  h.dns_options = o.dns_options;
  h.dns_search = o.dns_search;
  h.extra_hosts = unless_empty(o.extra_hosts);
  h.group_add = unless_empty(o.group_add);
  h.security_opt = unless_empty(o.security_opt);
  if (o.oom_score_adj < -1000 || o.oom_score_adj > 1000)
    return invalid(
        fmt::format("Invalid value {}, range for oom score adj is [-1000, 1000]", o.oom_score_adj));
  h.oom_score_adj = o.oom_score_adj;
  h.privileged = o.privileged;
  h.readonly_rootfs = o.read_only;
  if (o.runtime == "runc") h.runtime = o.runtime;
  if (o.privileged) {
    h.masked_paths.reset();
    h.readonly_paths.reset();
  }
  TRY(set_limits(o, h));
  return h;
}

bool is_mode_word(std::string_view word) {
  constexpr std::string_view kWords[] = {"ro",      "rw",      "z",        "Z",
                                         "nocopy",  "private", "rprivate", "shared",
                                         "rshared", "slave",   "rslave"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

Result<void> set_mode(MountPoint& m, std::string_view mode) {
  m.mode = mode;
  for (const auto& word : split(mode, ',')) {
    if (!is_mode_word(word)) return invalid(fmt::format("invalid mode: {}", mode));
    if (word == "ro") m.read_write = false;
    if (word.ends_with("private") || word.ends_with("shared") || word.ends_with("slave"))
      m.propagation = std::string(word);
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> caller_environment(const std::vector<std::string>& files,
                                                    const std::vector<std::string>& texts) {
  std::vector<std::string> env;
  for (const auto& path : files) TRY(read_env_file(path, env));
  for (const auto& text : texts) env.push_back(TRY(resolve_variable(text)));
  return env;
}

Result<Ulimit> parse_ulimit(const std::string& text) {
  auto bad = [&] { return invalid(fmt::format("invalid ulimit argument: {}", text)); };
  constexpr std::string_view kKnown[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                         "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                         "rss",     "rtprio",   "rttime", "sigpending", "stack"};
  auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return bad();
  Ulimit limit;
  limit.name = text.substr(0, equals);
  if (std::find(std::begin(kKnown), std::end(kKnown), limit.name) == std::end(kKnown))
    return invalid("invalid ulimit type: " + limit.name);
  auto values = split(std::string_view(text).substr(equals + 1), ':');
  if (values.size() > 2)
    return invalid(
        fmt::format("too many limit value arguments - {}, can only have up to two, "
                    "`soft[:hard]`",
                    std::string_view(text).substr(equals + 1)));
  auto no_number = [](std::string_view word) {
    return invalid(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", word));
  };
  if (!is_number(values[0], limit.soft)) return no_number(values[0]);
  limit.hard = limit.soft;
  if (values.size() == 2 && !is_number(values[1], limit.hard)) return no_number(values[1]);
  if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
    return invalid(
        fmt::format("ulimit soft limit must be less than or equal to hard limit: {} > {}",
                    limit.soft, limit.hard));
  return limit;
}

Result<void> check_value(ContainerValue kind, const std::string& text) {
  switch (kind) {
    case ContainerValue::Stream:
      for (const char* stream : {"stdin", "stdout", "stderr", "STDIN", "STDOUT", "STDERR"})
        if (text == stream) return {};
      return invalid("valid streams are STDIN, STDOUT and STDERR");
    case ContainerValue::Variable:
      if (text.empty() || text[0] == '=') return invalid("invalid environment variable: " + text);
      return {};
    case ContainerValue::ExtraHost:
      return check_host(text);
    case ContainerValue::Dns:
      return is_ip_address(text) ? Result<void>() : invalid(text + " is not an ip address");
    case ContainerValue::Limit:
      TRY(parse_ulimit(text));
      return {};
    case ContainerValue::SwapSize:
      if (text == "-1") return {};
      [[fallthrough]];
    case ContainerValue::Size:
      TRY(parse_ram_size(text));
      return {};
    case ContainerValue::Cpus:
      TRY(parse_cpus(text));
      return {};
  }
  return {};
}

Result<void> check_as_client(const ContainerOptions& o) {
  TRY(caller_environment(o.env_files, o.env));
  for (const auto& option : o.security_opt) {
    auto name = option.substr(0, option.find_first_of("=:"));
    if (name.size() == option.size() && name != "no-new-privileges" && name != "disable")
      return invalid(fmt::format("Invalid --security-opt: \"{}\"", option));
  }
  if (o.auto_remove && !o.restart.empty() && o.restart != "no")
    return invalid("Conflicting options: --restart and --rm");
  TRY(Reference::parse_normalized(o.image));
  return {};
}

Result<MountPoint> parse_bind(const std::string& text) {
  auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty())
    return invalid(fmt::format("invalid volume specification: '{}'", text));
  MountPoint m;
  bool is_path = parts[0][0] == '/';
  m.type = is_path ? "bind" : "volume";
  (is_path ? m.source : m.name) = parts[0];
  m.destination = parts[1];
  auto refuse = [&](std::string_view why) {
    return invalid(
        fmt::format("invalid volume specification: '{}': invalid mount config for type \"{}\": {}",
                    text, m.type, why));
  };
  if (m.destination[0] != '/')
    return refuse(
        fmt::format("invalid mount path: '{}' mount path must be absolute", m.destination));
  while (m.destination.size() > 1 && m.destination.ends_with('/')) m.destination.pop_back();
  if (m.destination == "/") return refuse("invalid specification: destination can't be '/'");
  if (is_path) m.propagation = "rprivate";
  if (parts.size() == 3) TRY(set_mode(m, parts[2]));
  return m;
}

Result<CreateRequest> parse_container_options(const ContainerOptions& o) {
  CreateRequest r;
  r.image = o.image;
  r.name = o.name;
  r.config = TRY(run_config(o));
  r.host = TRY(host_config(o));
  for (const auto& text : r.host.binds) {
    auto mount = TRY(parse_bind(text));
    for (const auto& other : r.mounts)
      if (other.destination == mount.destination)
        return invalid("Duplicate mount point: " + mount.destination);
    r.mounts.push_back(std::move(mount));
  }
  return r;
}

}  // namespace strata
