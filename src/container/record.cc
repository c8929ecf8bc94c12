#include "container/record.h"

#include <algorithm>

#include "base/io.h"
#include "container/host_config.h"
#include "image/reference.h"

namespace strata {
namespace {

Json state_json(const RecordedState& s) {
  return Json::object({{"Running", s.running},
                       {"Paused", s.paused},
                       {"Restarting", s.restarting},
                       {"OOMKilled", s.oom_killed},
                       {"RemovalInProgress", s.removal_in_progress},
                       {"Dead", s.dead},
                       {"Pid", s.pid},
                       {"ExitCode", s.exit_code},
                       {"Error", s.error},
                       {"StartedAt", s.started_at.str()},
                       {"FinishedAt", s.finished_at.str()},
                       {"Health", nullptr}});
}

/// A time that was never set may be absent or empty.
Result<Time> time_of(const Json& json) {
  if (json.as_string().empty()) return kZeroTime;
  return Time::parse(json.as_string());
}

Result<RecordedState> state_from_json(const Json& json) {
  RecordedState s;
  s.running = json["Running"].as_bool();
  s.paused = json["Paused"].as_bool();
  s.restarting = json["Restarting"].as_bool();
  s.oom_killed = json["OOMKilled"].as_bool();
  s.removal_in_progress = json["RemovalInProgress"].as_bool();
  s.dead = json["Dead"].as_bool();
  s.pid = static_cast<int>(json["Pid"].as_int());
  s.exit_code = static_cast<int>(json["ExitCode"].as_int());
  s.error = json["Error"].as_string();
  s.started_at = TRY(time_of(json["StartedAt"]).context("State.StartedAt"));
  s.finished_at = TRY(time_of(json["FinishedAt"]).context("State.FinishedAt"));
  return s;
}

Json network_settings_json(const ContainerRecord& r) {
  // NetworkID must be there: dockerd panics at the start of a container without it.
  auto endpoint = Json::object({{"IPAMConfig", nullptr},
                                {"Links", nullptr},
                                {"Aliases", nullptr},
                                {"NetworkID", ""},
                                {"EndpointID", ""},
                                {"Gateway", ""},
                                {"IPAddress", ""},
                                {"IPPrefixLen", 0},
                                {"IPv6Gateway", ""},
                                {"GlobalIPv6Address", ""},
                                {"GlobalIPv6PrefixLen", 0},
                                {"MacAddress", ""},
                                {"DriverOpts", nullptr},
                                {"IPAMOperational", false}});
  return Json::object({{"Bridge", ""},
                       {"SandboxID", ""},
                       {"HairpinMode", false},
                       {"LinkLocalIPv6Address", ""},
                       {"LinkLocalIPv6PrefixLen", 0},
                       {"Networks", Json::object({{r.host.network_mode, std::move(endpoint)}})},
                       {"Service", nullptr},
                       {"Ports", nullptr},
                       {"SandboxKey", ""},
                       {"SecondaryIPAddresses", nullptr},
                       {"SecondaryIPv6Addresses", nullptr},
                       {"IsAnonymousEndpoint", r.anonymous_endpoint},
                       {"HasSwarmEndpoint", false}});
}

Json mount_json(const MountPoint& m) {
  Json spec = Json::object({{"Type", m.type}});
  // The source of a volume that nobody named stays out: so dockerd knows that `rm -v` takes it.
  if (m.type == "volume" ? !m.anonymous : !m.source.empty())
    spec.set("Source", m.type == "volume" ? m.name : m.source);
  spec.set("Target", m.destination);
  if (!m.read_write) spec.set("ReadOnly", true);
  Json json = Json::object({{"Source", m.type == "tmpfs" ? "" : m.source},
                            {"Destination", m.destination},
                            {"RW", m.read_write},
                            {"Name", m.name},
                            {"Driver", m.type == "volume" ? "local" : ""},
                            {"Type", m.type}});
  if (!m.mode.empty()) json.set("Relabel", m.mode);
  if (!m.propagation.empty()) json.set("Propagation", m.propagation);
  json.set("Spec", std::move(spec));
  json.set("SkipMountpointCreation", false);
  return json;
}

MountPoint mount_from_json(const Json& json) {
  MountPoint m;
  m.type = json["Type"].as_string();
  m.source = json["Source"].as_string();
  m.destination = json["Destination"].as_string();
  m.name = json["Name"].as_string();
  m.read_write = json["RW"].as_bool();
  m.mode = json["Relabel"].as_string();
  m.propagation = json["Propagation"].as_string();
  if (m.type.empty()) m.type = m.name.empty() ? "bind" : "volume";
  m.anonymous = m.type == "volume" && json["Spec"]["Source"].as_string().empty();
  return m;
}

Json mounts_json(const std::vector<MountPoint>& mounts) {
  std::map<std::string, Json> sorted;  // a Go map
  for (const auto& m : mounts) sorted[m.destination] = mount_json(m);
  Json json = Json::object();
  for (auto& [destination, mount] : sorted) json.set(destination, std::move(mount));
  return json;
}

/// The members that change after a container was created.
Json::Object changing_members(const ContainerRecord& r) {
  return {{"State", state_json(r.state)},
          {"LogPath", r.log_path},
          {"Name", r.name},
          {"RestartCount", r.restart_count},
          {"HasBeenStartedBefore", r.has_been_started_before},
          {"HasBeenManuallyStopped", r.has_been_manually_stopped},
          {"HostnamePath", r.hostname_path},
          {"HostsPath", r.hosts_path},
          {"ShmPath", r.shm_path},
          {"ResolvConfPath", r.resolv_conf_path}};
}

/// In dockerd 20's order.
Json new_config_json(const ContainerRecord& r) {
  return Json::object({{"StreamConfig", Json::object()},
                       {"State", state_json(r.state)},
                       {"ID", r.id},
                       {"Created", r.created.str()},
                       {"Managed", false},
                       {"Path", r.path},
                       {"Args", Json::strings(r.args)},
                       {"Config", run_config_json(r.config)},
                       {"Image", r.image},
                       {"NetworkSettings", network_settings_json(r)},
                       {"LogPath", r.log_path},
                       {"Name", r.name},
                       {"Driver", r.driver},
                       {"OS", r.os},
                       {"MountLabel", ""},
                       {"ProcessLabel", ""},
                       {"RestartCount", r.restart_count},
                       {"HasBeenStartedBefore", r.has_been_started_before},
                       {"HasBeenManuallyStopped", r.has_been_manually_stopped},
                       {"MountPoints", mounts_json(r.mounts)},
                       {"SecretReferences", nullptr},
                       {"ConfigReferences", nullptr},
                       {"AppArmorProfile", ""},
                       {"HostnamePath", r.hostname_path},
                       {"HostsPath", r.hosts_path},
                       {"ShmPath", r.shm_path},
                       {"ResolvConfPath", r.resolv_conf_path},
                       {"SeccompProfile", ""},
                       {"NoNewPrivileges", false},
                       {"LocalLogCacheMeta", Json::object({{"HaveNotifyEnabled", false}})}});
}

/// Members of `changed` replace those of `json`; objects are merged, so that what we do not know in
/// them stays. `Health` is dockerd's alone.
void overlay(Json& json, const Json::Object& changed) {
  for (const auto& [key, value] : changed) {
    const Json* old = json.find(key);
    if (key == "Health" && old != nullptr) continue;
    if (value.is_object() && old != nullptr && old->is_object()) {
      Json merged = *old;
      overlay(merged, value.as_object());
      json.set(key, std::move(merged));
    } else {
      json.set(key, value);
    }
  }
}

Error damaged(const std::string& id, Error cause) {
  return Error(ErrorCode::Corrupt, fmt::format("container {}: {}", id, cause.message()));
}

}  // namespace

std::string encode_container_config(const ContainerRecord& r) {
  if (r.parsed_config.is_null()) return new_config_json(r).dump() + "\n";
  Json json = r.parsed_config;
  overlay(json, changing_members(r));
  return json.dump() + "\n";
}

Result<ContainerRecord> decode_container(std::string_view config, std::string_view host_config) {
  ContainerRecord r;
  r.parsed_config = TRY(Json::parse(config).context("config.v2.json"));
  const Json& json = r.parsed_config;
  if (!json.is_object() || !json["Config"].is_object())
    return Error(ErrorCode::Corrupt, "config.v2.json: no Config");
  r.id = json["ID"].as_string();
  r.name = json["Name"].as_string();
  r.created = TRY(time_of(json["Created"]).context("config.v2.json: Created"));
  r.path = json["Path"].as_string();
  r.args = json["Args"].as_strings();
  r.config = TRY(run_config_from_json(json["Config"]).context("config.v2.json: Config"));
  r.image = json["Image"].as_string();
  r.state = TRY(state_from_json(json["State"]).context("config.v2.json"));
  for (const auto& [destination, mount] : json["MountPoints"].as_object())
    r.mounts.push_back(mount_from_json(mount));
  r.driver = json["Driver"].as_string();
  r.os = json["OS"].as_string();
  r.log_path = json["LogPath"].as_string();
  r.hostname_path = json["HostnamePath"].as_string();
  r.hosts_path = json["HostsPath"].as_string();
  r.resolv_conf_path = json["ResolvConfPath"].as_string();
  r.shm_path = json["ShmPath"].as_string();
  r.restart_count = json["RestartCount"].as_int();
  r.has_been_started_before = json["HasBeenStartedBefore"].as_bool();
  r.has_been_manually_stopped = json["HasBeenManuallyStopped"].as_bool();
  r.anonymous_endpoint = json["NetworkSettings"]["IsAnonymousEndpoint"].as_bool();
  if (!host_config.empty()) {
    r.parsed_host = TRY(Json::parse(host_config).context("hostconfig.json"));
    if (!r.parsed_host.is_object() && !r.parsed_host.is_null())
      return Error(ErrorCode::Corrupt, "hostconfig.json: not an object");
    r.host = host_config_from_json(r.parsed_host);
  }
  return r;
}

std::string encode_host_config(const ContainerRecord& r) {
  return (r.parsed_host.is_null() ? host_config_json(r.host) : r.parsed_host).dump() + "\n";
}

Result<ContainerRecord> load_container(const Store& store, const std::string& id) {
  auto not_found = Error(ErrorCode::NotFound, "No such container: " + id);
  if (!is_full_id(id)) return not_found;
  const auto config_path = id + "/config.v2.json";
  auto config = read_file(store.containers_dir(), config_path);
  if (!config && config.error().code() == ErrorCode::NotFound) return not_found;
  if (!config) return std::move(config).error();
  auto host = read_file(store.containers_dir(), id + "/hostconfig.json");
  if (!host && host.error().code() != ErrorCode::NotFound) return std::move(host).error();
  // Without one it has defaults, unless it was removed between the two.
  if (!host && !stat_at(store.containers_dir(), config_path)) return not_found;
  auto record = decode_container(*config, host ? std::string_view(*host) : std::string_view());
  if (!record) return damaged(id, std::move(record).error());
  if (record->id != id || record->driver != "overlay2")
    return damaged(id, Error(ErrorCode::Corrupt, "not a record of this container"));
  return record;
}

Result<void> save_container(const Store& store, const ContainerRecord& record) {
  auto dir = TRY(open_dir(store.containers_dir(), record.id));
  if (record.parsed_host.is_null() && record.parsed_config.is_null())
    TRY(write_file_atomic(dir.get(), "hostconfig.json", encode_host_config(record), 0644));
  // A record that was safe stays so: the new one is on the disk before it takes the old one's
  // place. One that goes at the container's end need not, but must be known as such.
  bool sync = !record.host.auto_remove;
  if (!sync) TRY(store.unsynced().add_container(record.id));
  return write_file_atomic(dir.get(), "config.v2.json", encode_container_config(record), 0600,
                           sync);
}

Result<void> save_host_config(const Store& store, const ContainerRecord& record) {
  auto dir = TRY(open_dir(store.containers_dir(), record.id));
  return write_file_atomic(dir.get(), "hostconfig.json", encode_host_config(record), 0644, true);
}

Result<std::vector<std::string>> container_ids(const Store& store) {
  auto names = TRY(list_dir(store.containers_dir()));
  std::erase_if(names, [](const std::string& name) { return !is_full_id(name); });
  return names;
}

Result<std::vector<ContainerRecord>> list_containers(const Store& store) {
  std::vector<ContainerRecord> records;
  for (const auto& id : TRY(container_ids(store)))
    if (auto record = load_container(store, id)) records.push_back(*std::move(record));
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.created > b.created; });
  return records;
}

Result<FileLock> lock_container(const Store& store, const std::string& id) {
  if (!is_full_id(id)) return Error(ErrorCode::NotFound, "No such container: " + id);
  TRY(make_dirs(store.own_dir(), "containers", 0700));
  return FileLock::acquire(store.own_dir(), "containers/" + id + ".lock",
                           FileLock::Mode::Exclusive);
}

}  // namespace strata
