#include "container/host_config.h"

namespace strata {
namespace {

Json string_list(const std::optional<std::vector<std::string>>& list) {
  return list ? Json::strings(*list) : Json();
}

Json list_or_null(const std::vector<std::string>& list) {
  return list.empty() ? Json() : Json::strings(list);
}

std::optional<std::vector<std::string>> optional_list(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  return json.as_strings();
}

/// docker writes "no limit" as 0.
std::optional<std::int64_t> limit(const Json& json) {
  auto value = json.as_int();
  return value == 0 ? std::nullopt : std::optional(value);
}

Json number_or_null(const std::optional<std::int64_t>& value) {
  return value ? Json(*value) : Json();
}

Json ulimits_json(const std::vector<Ulimit>& ulimits) {
  if (ulimits.empty()) return {};
  Json json = Json::array();
  for (const auto& u : ulimits)
    json.push(Json::object({{"Name", u.name}, {"Hard", u.hard}, {"Soft", u.soft}}));
  return json;
}

/// Members from Binds to Isolation; those that docker leaves out when empty are added at their
/// places.
Json::Object host_members(const HostConfig& h) {
  Json::Object o = {
      {"Binds", list_or_null(h.binds)},
      {"ContainerIDFile", ""},
      {"LogConfig", Json::object({{"Type", h.log_driver}, {"Config", Json::object()}})},
      {"NetworkMode", h.network_mode},
      {"PortBindings", Json::object()},
      {"RestartPolicy", Json::object({{"Name", h.restart_policy}, {"MaximumRetryCount", 0}})},
      {"AutoRemove", h.auto_remove},
      {"VolumeDriver", ""},
      {"VolumesFrom", nullptr},
      {"CapAdd", string_list(h.cap_add)},
      {"CapDrop", string_list(h.cap_drop)},
      {"CgroupnsMode", "host"},
      {"Dns", Json::strings(h.dns)},
      {"DnsOptions", Json::strings(h.dns_options)},
      {"DnsSearch", Json::strings(h.dns_search)},
      {"ExtraHosts", string_list(h.extra_hosts)},
      {"GroupAdd", string_list(h.group_add)},
      {"IpcMode", "private"},
      {"Cgroup", ""},
      {"Links", nullptr},
      {"OomScoreAdj", h.oom_score_adj},
      {"PidMode", ""},
      {"Privileged", h.privileged},
      {"PublishAllPorts", h.publish_all_ports},
      {"ReadonlyRootfs", h.readonly_rootfs},
      {"SecurityOpt", string_list(h.security_opt)},
  };
  if (!h.tmpfs.empty()) {
    Json::Object tmpfs(h.tmpfs.begin(), h.tmpfs.end());
    o.emplace_back("Tmpfs", Json(std::move(tmpfs)));
  }
  o.insert(o.end(), {{"UTSMode", ""},
                     {"UsernsMode", ""},
                     {"ShmSize", h.shm_size},
                     {"Runtime", h.runtime},
                     {"ConsoleSize", Json::array({0, 0})},
                     {"Isolation", ""}});
  return o;
}

/// What docker calls Resources.
Json::Object resource_members(const HostConfig& h) {
  const auto& l = h.limits;
  return {
      {"CpuShares", l.cpu_shares.value_or(0)},
      {"Memory", l.memory.value_or(0)},
      {"NanoCpus", h.nano_cpus},
      {"CgroupParent", ""},
      {"BlkioWeight", l.block_weight.value_or(0)},
      {"BlkioWeightDevice", Json::array()},
      {"BlkioDeviceReadBps", nullptr},
      {"BlkioDeviceWriteBps", nullptr},
      {"BlkioDeviceReadIOps", nullptr},
      {"BlkioDeviceWriteIOps", nullptr},
      {"CpuPeriod", l.cpu_period.value_or(0)},
      {"CpuQuota", l.cpu_quota.value_or(0)},
      {"CpuRealtimePeriod", l.cpu_rt_period.value_or(0)},
      {"CpuRealtimeRuntime", l.cpu_rt_runtime.value_or(0)},
      {"CpusetCpus", l.cpuset_cpus},
      {"CpusetMems", l.cpuset_mems},
      {"Devices", Json::array()},
      {"DeviceCgroupRules", nullptr},
      {"DeviceRequests", nullptr},
      {"KernelMemory", 0},
      {"KernelMemoryTCP", 0},
      {"MemoryReservation", l.memory_reservation.value_or(0)},
      {"MemorySwap", l.memory_swap.value_or(0)},
      {"MemorySwappiness", nullptr},
      {"OomKillDisable", false},
      {"PidsLimit", number_or_null(l.pids)},
      {"Ulimits", ulimits_json(h.ulimits)},
      {"CpuCount", 0},
      {"CpuPercent", 0},
      {"IOMaximumIOps", 0},
      {"IOMaximumBandwidth", 0},
  };
}

}  // namespace

Json host_config_json(const HostConfig& h) {
  auto members = host_members(h);
  for (auto& member : resource_members(h)) members.push_back(std::move(member));
  members.emplace_back("MaskedPaths", string_list(h.masked_paths));
  members.emplace_back("ReadonlyPaths", string_list(h.readonly_paths));
  if (h.init) members.emplace_back("Init", *h.init);
  return Json(std::move(members));
}

HostConfig host_config_from_json(const Json& json) {
  HostConfig h;
  h.binds = json["Binds"].as_strings();
  h.log_driver = json["LogConfig"]["Type"].as_string();
  h.network_mode = json["NetworkMode"].as_string();
  h.restart_policy = json["RestartPolicy"]["Name"].as_string();
  h.auto_remove = json["AutoRemove"].as_bool();
  h.cap_add = optional_list(json["CapAdd"]);
  h.cap_drop = optional_list(json["CapDrop"]);
  h.dns = json["Dns"].as_strings();
  h.dns_options = json["DnsOptions"].as_strings();
  h.dns_search = json["DnsSearch"].as_strings();
  h.extra_hosts = optional_list(json["ExtraHosts"]);
  h.group_add = optional_list(json["GroupAdd"]);
  h.oom_score_adj = json["OomScoreAdj"].as_int();
  h.privileged = json["Privileged"].as_bool();
  h.publish_all_ports = json["PublishAllPorts"].as_bool();
  h.readonly_rootfs = json["ReadonlyRootfs"].as_bool();
  h.security_opt = optional_list(json["SecurityOpt"]);
  for (const auto& [path, options] : json["Tmpfs"].as_object()) h.tmpfs[path] = options.as_string();
  if (auto size = json["ShmSize"].as_int(); size > 0) h.shm_size = size;
  h.runtime = json["Runtime"].as_string();
  if (json["Init"].is_bool()) h.init = json["Init"].as_bool();
  h.limits.memory = limit(json["Memory"]);
  h.limits.memory_swap = limit(json["MemorySwap"]);
  h.limits.memory_reservation = limit(json["MemoryReservation"]);
  h.limits.cpu_shares = limit(json["CpuShares"]);
  h.limits.cpu_quota = limit(json["CpuQuota"]);
  h.limits.cpu_period = limit(json["CpuPeriod"]);
  h.limits.cpu_rt_period = limit(json["CpuRealtimePeriod"]);
  h.limits.cpu_rt_runtime = limit(json["CpuRealtimeRuntime"]);
  h.limits.block_weight = limit(json["BlkioWeight"]);
  h.limits.cpuset_cpus = json["CpusetCpus"].as_string();
  h.limits.cpuset_mems = json["CpusetMems"].as_string();
  h.limits.pids = limit(json["PidsLimit"]);
  h.nano_cpus = json["NanoCpus"].as_int();
  for (const auto& u : json["Ulimits"].as_array())
    h.ulimits.push_back({u["Name"].as_string(), u["Soft"].as_int(), u["Hard"].as_int()});
  h.masked_paths = optional_list(json["MaskedPaths"]);
  h.readonly_paths = optional_list(json["ReadonlyPaths"]);
  return h;
}

}  // namespace strata
