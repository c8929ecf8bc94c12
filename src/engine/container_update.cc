#include "engine/container_update.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "container/lookup.h"
#include "container/update.h"
#include "engine/limit_texts.h"

namespace strata {
namespace {

Error refused(std::string message) { return Error(ErrorCode::InvalidArgument, std::move(message)); }

struct RestartPolicy {
  std::string name;
  std::int64_t retries = 0;
};

Result<RestartPolicy> parse_restart_policy(std::string_view text) {
  auto parts = split(text, ':');
  if (parts.size() > 2) return refused("invalid restart policy format");
  RestartPolicy policy{std::string(parts[0]), 0};
  if (parts.size() == 1) return policy;
  const auto* end = parts[1].data() + parts[1].size();
  auto parsed = std::from_chars(parts[1].data(), end, policy.retries);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return refused("maximum retry count must be an integer");
  return policy;
}

Result<void> check_restart_policy(const RestartPolicy& policy) {
  constexpr std::string_view kWithoutCount[] = {"always", "unless-stopped", "no"};
  if (policy.name.empty()) return {};
  if (policy.name == "on-failure") {
    if (policy.retries < 0) return refused("maximum retry count cannot be negative");
    return {};
  }
  if (std::find(std::begin(kWithoutCount), std::end(kWithoutCount), policy.name) ==
      std::end(kWithoutCount))
    return refused(fmt::format("invalid restart policy '{}'", policy.name));
  if (policy.retries != 0)
    return refused(
        fmt::format("maximum retry count cannot be used with restart policy '{}'", policy.name));
  return {};
}

Result<ContainerUpdate> parse_update(const UpdateContainerRequest& r) {
  ContainerUpdate update;
  auto policy = TRY(parse_restart_policy(r.restart));
  TRY(check_restart_policy(policy));
  update.restart_policy = policy.name;
  auto& l = update.limits;
  l.block_weight = unless_zero(r.block_weight);
  l.cpu_period = unless_zero(r.cpu_period);
  l.cpu_quota = unless_zero(r.cpu_quota);
  l.cpu_rt_period = unless_zero(r.cpu_rt_period);
  l.cpu_rt_runtime = unless_zero(r.cpu_rt_runtime);
  l.cpu_shares = unless_zero(r.cpu_shares);
  l.cpuset_cpus = r.cpuset_cpus;
  l.cpuset_mems = r.cpuset_mems;
  l.memory = TRY(parse_limit_size(r.memory));
  l.memory_reservation = TRY(parse_limit_size(r.memory_reservation));
  l.memory_swap = TRY(parse_limit_size(r.memory_swap));
  l.pids = unless_zero(r.pids_limit);
  update.nano_cpus = TRY(parse_cpus(r.cpus));
  auto kernel_memory = TRY(parse_limit_size(r.kernel_memory));
  update.kernel_memory = kernel_memory.value_or(0);
  return update;
}

}  // namespace

Result<void> check_update_as_client(const UpdateContainerRequest& request) {
  TRY(parse_restart_policy(request.restart));
  return {};
}

Result<std::vector<std::string>> update_container(const EngineOptions& engine,
                                                  std::string_view name,
                                                  const UpdateContainerRequest& request) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(find_container(*store, name)).id;
  auto update = TRY(parse_update(request));
  return update_container(*store, id, std::move(update));
}

}  // namespace strata
