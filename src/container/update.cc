#include "container/update.h"

#include <algorithm>

#include "container/host_config.h"
#include "container/limits.h"
#include "container/liveness.h"
#include "container/running.h"

namespace strata {
namespace {

constexpr std::int64_t kLeastKernelMemory = 6 << 20;

Error conflict(std::string_view message) {
  return Error(ErrorCode::Conflict, std::string(message));
}

bool is_set(const std::optional<std::int64_t>& value) { return value.value_or(0) > 0; }

/// --cpus stands for period and quota, so that who has one cannot get the other.
Result<void> check_cpu_conflicts(const ContainerUpdate& change, const HostConfig& host) {
  bool asks_cpus = change.nano_cpus > 0;
  if (asks_cpus && is_set(host.limits.cpu_period))
    return conflict(
        "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if (asks_cpus && is_set(host.limits.cpu_quota))
    return conflict(
        "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (is_set(change.limits.cpu_period) && host.nano_cpus > 0)
    return conflict(
        "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  if (is_set(change.limits.cpu_quota) && host.nano_cpus > 0)
    return conflict(
        "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  return {};
}

/// What does not fit what the container has.
Result<void> check_conflicts(const ContainerUpdate& change, const HostConfig& host) {
  TRY(check_cpu_conflicts(change, host));
  if (change.limits.memory && !change.limits.memory_swap &&
      *change.limits.memory > host.limits.memory_swap.value_or(0))
    return conflict(
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap "
        "at the same time");
  if (change.restart_policy.empty() || change.restart_policy == "no") return {};
  if (host.auto_remove)
    return conflict(
        "Restart policy cannot be updated because AutoRemove is enabled for the container");
  return Error(ErrorCode::Unsupported,
               fmt::format("restart policy '{}' needs a daemon; only 'no' is supported",
                           change.restart_policy));
}

/// The members of hostconfig.json that change; a Go program knows no other "none" than 0.
Json::Object changed_members(const ContainerUpdate& change) {
  const auto& l = change.limits;
  Json::Object members;
  auto number = [&](const char* key, const std::optional<std::int64_t>& value) {
    if (value) members.emplace_back(key, *value);
  };
  auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) members.emplace_back(key, value);
  };
  if (!change.restart_policy.empty())
    members.emplace_back("RestartPolicy",
                         Json::object({{"Name", change.restart_policy}, {"MaximumRetryCount", 0}}));
  number("CpuShares", l.cpu_shares);
  number("Memory", l.memory);
  if (change.nano_cpus != 0) number("NanoCpus", change.nano_cpus);
  number("BlkioWeight", l.block_weight);
  number("CpuPeriod", l.cpu_period);
  number("CpuQuota", l.cpu_quota);
  number("CpuRealtimePeriod", l.cpu_rt_period);
  number("CpuRealtimeRuntime", l.cpu_rt_runtime);
  text("CpusetCpus", l.cpuset_cpus);
  text("CpusetMems", l.cpuset_mems);
  if (change.kernel_memory != 0) number("KernelMemory", change.kernel_memory);
  number("MemoryReservation", l.memory_reservation);
  number("MemorySwap", l.memory_swap);
  if (l.pids) number("PidsLimit", std::max<std::int64_t>(*l.pids, 0));
  return members;
}

/// As dockerd: where swap cannot be limited, a container with limited memory has it without limit.
std::vector<std::string> fit_to_machine(ContainerUpdate& change, const CgroupSupport& support) {
  auto& limits = change.limits;
  if (limits.memory && !support.swap_limit && !limits.memory_swap)
    limits.memory_swap = *limits.memory;  // as create does, for the warning
  auto warnings = fit_limits(limits, support);
  if (limits.memory && !support.swap_limit) limits.memory_swap = -1;
  return warnings;
}

Result<void> update_group(const Store& store, const ContainerRecord& record,
                          const ContainerUpdate& change) {
  if (!is_running(store, record)) return {};
  auto runtime = TRY(open_runtime(store, record));
  auto limits = with_cpu_quota(change.limits, change.nano_cpus);
  if (!runtime.cgroups().swap_limit) limits.memory_swap.reset();
  return runtime.update(record.id, std::move(limits));
}

Result<void> apply(const Store& store, ContainerRecord& record, const ContainerUpdate& change) {
  if (record.state.removal_in_progress || record.state.dead)
    return conflict("container is marked for removal and cannot be \"update\"");
  TRY(check_conflicts(change, record.host));
  TRY(update_group(store, record, change));
  auto& host = record.parsed_host;
  if (host.is_null()) host = host_config_json(record.host);
  for (auto& [key, value] : changed_members(change)) host.set(key, value);
  return save_host_config(store, record);
}

}  // namespace

Result<std::vector<std::string>> update_container(const Store& store, const std::string& id,
                                                  ContainerUpdate change) {
  TRY(settle_container(store, id));
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  auto support = TRY(detect_cgroups());
  auto warnings = fit_to_machine(change, support);
  TRY(check_limits(change.limits, change.nano_cpus, LimitsFor::Update));
  if (change.kernel_memory != 0 && change.kernel_memory < kLeastKernelMemory)
    return Error(ErrorCode::InvalidArgument, "Minimum kernel memory limit allowed is 6MB");
  if (change.kernel_memory != 0)
    warnings.emplace_back(
        "Specifying a kernel memory limit is deprecated and will be removed in a future release.");
  if (change.nano_cpus > 0 && !support.has("cpu"))
    return Error(
        ErrorCode::InvalidArgument,
        "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the "
        "cgroup is not mounted");
  TRY(apply(store, record, change).context("Cannot update container {}", id));
  return warnings;
}

}  // namespace strata
