#include "cli/commands.h"
#include "cli/each_container.h"
#include "cli/report.h"
#include "engine/container_update.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_update {
namespace {

struct Options {
  UpdateContainerRequest request;
  const FlagSet* flags = nullptr;
};

/// strconv.ParseUint with 16 bits.
Result<std::int64_t> parse_weight(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("strconv.ParseUint: parsing \"{}\": {}", text, why));
  };
  auto weight = parse_go_int(text);
  bool is_signed = text.starts_with('-') || text.starts_with('+');
  if (is_signed || (!weight && weight.error().message().ends_with("syntax")))
    return bad("invalid syntax");
  if (!weight || *weight > 0xffff) return bad("value out of range");
  return weight;
}

void add_bytes(FlagSet& f, std::string& v, std::string_view name, char shorthand,
               std::string_view usage, ContainerValue kind = ContainerValue::Size) {
  f.add(v, name, shorthand, usage).type("bytes").check([kind](std::string_view text) {
    return check_value(kind, std::string(text));
  });
}

void add_cpu_flags(FlagSet& f, UpdateContainerRequest& r) {
  f.add(r.cpu_period, "cpu-period", 0, "Limit CPU CFS (Completely Fair Scheduler) period");
  f.add(r.cpu_quota, "cpu-quota", 0, "Limit CPU CFS (Completely Fair Scheduler) quota");
  f.add(r.cpu_rt_period, "cpu-rt-period", 0, "Limit the CPU real-time period in microseconds");
  f.add(r.cpu_rt_runtime, "cpu-rt-runtime", 0, "Limit the CPU real-time runtime in microseconds");
  f.add(r.cpu_shares, "cpu-shares", 'c', "CPU shares (relative weight)");
  f.add(r.cpus, "cpus", 0, "Number of CPUs").type("decimal").check([](std::string_view text) {
    return check_value(ContainerValue::Cpus, std::string(text));
  });
  f.add(r.cpuset_cpus, "cpuset-cpus", 0, "CPUs in which to allow execution (0-3, 0,1)");
  f.add(r.cpuset_mems, "cpuset-mems", 0, "MEMs in which to allow execution (0-3, 0,1)");
}

void add_flags(FlagSet& f, Options& o) {
  auto& r = o.request;
  f.add_value(
      [&r](std::string_view text) -> Result<void> {
        r.block_weight = TRY(parse_weight(text));
        return {};
      },
      "uint16", "blkio-weight", 0,
      "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)");
  add_cpu_flags(f, r);
  add_bytes(f, r.kernel_memory, "kernel-memory", 0, "Kernel memory limit");
  add_bytes(f, r.memory, "memory", 'm', "Memory limit");
  add_bytes(f, r.memory_reservation, "memory-reservation", 0, "Memory soft limit");
  add_bytes(f, r.memory_swap, "memory-swap", 0,
            "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
            ContainerValue::SwapSize);
  f.add(r.pids_limit, "pids-limit", 0, "Tune container pids limit (set -1 for unlimited)");
  f.add(r.restart, "restart", 0, "Restart policy to apply when a container exits");
  o.flags = &f;
}

bool any_given(const FlagSet& flags) {
  for (const auto* flag : flags.sorted())
    if (flags.given(flag->name())) return true;
  return false;
}

Result<int> run(Options& o, Call& call) {
  if (!any_given(*o.flags))
    return Error(ErrorCode::InvalidArgument,
                 "you must provide one or more flags when using this command");
  TRY(check_update_as_client(o.request));
  std::vector<std::string> warnings;
  int exit_code = for_each_container(call, [&](const std::string& name) -> Result<void> {
    auto more = TRY(update_container(engine_options(call), name, o.request));
    warnings.insert(warnings.end(), more.begin(), more.end());
    return {};
  });
  for (const auto& warning : warnings) fmt::print(call.out, "{}\n", warning);
  return exit_code;
}

}  // namespace
}  // namespace cmd_update

Command update_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
      .summary = "Update configuration of one or more containers",
      .description =
          "Changes what containers may use. One that runs is held to it at once, others when "
          "they start. What no option names stays as it is.\n\nOf the restart policies there is "
          "\"no\": no daemon is there to restart a container.",
      .arity = at_least(1),
      .make = action<cmd_update::Options, cmd_update::add_flags, cmd_update::run>};
}

}  // namespace strata::cli
