#include "runtime/resources.h"

namespace strata {

Json oci_resources(const ResourceLimits& l) {
  Json resources = Json::object();
  auto group = [&](const char* name, Json members) {
    if (members.size() > 0) resources.set(name, std::move(members));
  };
  auto number = [](Json& object, const char* key, const std::optional<std::int64_t>& value) {
    if (value) object.set(key, *value);
  };
  Json memory = Json::object();
  number(memory, "limit", l.memory);
  number(memory, "reservation", l.memory_reservation);
  number(memory, "swap", l.memory_swap);
  group("memory", std::move(memory));
  Json cpu = Json::object();
  number(cpu, "shares", l.cpu_shares);
  number(cpu, "quota", l.cpu_quota);
  number(cpu, "period", l.cpu_period);
  number(cpu, "realtimeRuntime", l.cpu_rt_runtime);
  number(cpu, "realtimePeriod", l.cpu_rt_period);
  if (!l.cpuset_cpus.empty()) cpu.set("cpus", l.cpuset_cpus);
  if (!l.cpuset_mems.empty()) cpu.set("mems", l.cpuset_mems);
  group("cpu", std::move(cpu));
  Json pids = Json::object();
  number(pids, "limit", l.pids);
  group("pids", std::move(pids));
  Json block_io = Json::object();
  number(block_io, "weight", l.block_weight);
  group("blockIO", std::move(block_io));
  return resources;
}

}  // namespace strata
