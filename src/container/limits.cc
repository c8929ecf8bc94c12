#include "container/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/io.h"
#include "base/text.h"

namespace strata {
namespace {

constexpr std::int64_t kLeastMemory = 6 << 20;
constexpr std::int64_t kNano = 1'000'000'000;
constexpr std::int64_t kCpuPeriod = 100'000;  // microseconds; docker's for --cpus
constexpr std::int64_t kLastCpu = 8192;

Error not_allowed(std::string message) {
  return Error(ErrorCode::InvalidArgument, std::move(message));
}

bool is_positive(const std::optional<std::int64_t>& value) { return value.value_or(0) > 0; }

Result<void> check_memory(const ResourceLimits& l, LimitsFor use) {
  auto memory = l.memory.value_or(0);
  auto swap = l.memory_swap.value_or(0);
  auto reservation = l.memory_reservation.value_or(0);
  if (memory != 0 && memory < kLeastMemory)
    return not_allowed("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory)
    return not_allowed("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (memory == 0 && swap > 0 && use == LimitsFor::NewContainer)
    return not_allowed(
        "You should always set the Memory limit when using Memoryswap limit, see usage");
  if (reservation > 0 && reservation < kLeastMemory)
    return not_allowed("Minimum memory reservation allowed is 6MB");
  if (memory > 0 && reservation > memory)
    return not_allowed(
        "Minimum memory limit can not be less than memory reservation limit, see usage");
  return {};
}

Result<void> check_cpu(const ResourceLimits& l, std::int64_t nano_cpus) {
  for (bool period : {true, false})
    if (nano_cpus > 0 && is_positive(period ? l.cpu_period : l.cpu_quota))
      return not_allowed(fmt::format("Conflicting options: Nano CPUs and CPU {} cannot both be set",
                                     period ? "Period" : "Quota"));
  const auto cpus = nano_cpus == 0 ? 0 : ::sysconf(_SC_NPROCESSORS_ONLN);  // reads a file of /sys
  if (nano_cpus < 0 || nano_cpus > cpus * kNano)
    return not_allowed(fmt::format(
        "Range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available", cpus));
  if (l.cpu_period && *l.cpu_period != 0 && (*l.cpu_period < 1000 || *l.cpu_period > 1'000'000))
    return not_allowed(
        "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (is_positive(l.cpu_quota) && *l.cpu_quota < 1000)
    return not_allowed("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  return {};
}

/// Go's strconv.Atoi.
std::optional<std::int64_t> go_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

Result<std::set<std::int64_t>> cpu_list(std::string_view text) {
  std::set<std::int64_t> list;
  if (text.empty()) return list;
  for (auto part : split(text, ',')) {
    auto dash = part.find('-');
    auto first = go_number(part.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : go_number(part.substr(dash + 1));
    if (!first || !last || *last < *first)
      return not_allowed(fmt::format("invalid format: {}", text));
    if (*last > kLastCpu)
      return not_allowed(fmt::format("value of out range, maximum is {}", kLastCpu));
    for (auto i = *first; i <= *last; i++) list.insert(i);
  }
  return list;
}

/// What the machine has: "0-7". "" if that is not to be known.
std::string available(std::string_view which) {
  const auto root = fmt::format("/sys/fs/cgroup/cpuset/cpuset.{}", which);
  const auto unified = fmt::format("/sys/fs/cgroup/cpuset.{}.effective", which);
  auto text = read_file(AT_FDCWD, root);
  if (!text) text = read_file(AT_FDCWD, unified);
  return text ? text->substr(0, text->find('\n')) : "";
}

Result<void> check_cpuset(const std::string& asked, std::string_view which, std::string_view name) {
  if (asked.empty()) return {};
  auto present = available(which);
  if (present.empty()) return {};  // fit_limits() says so
  if (TRY(is_in_cpuset(asked, present).context("Invalid value {} for cpuset {}", asked, which)))
    return {};
  return not_allowed(fmt::format("Requested {} are not available - requested {}, available: {}",
                                 name, asked, present));
}

}  // namespace

Result<bool> is_in_cpuset(std::string_view asked, std::string_view available_list) {
  auto wanted = TRY(cpu_list(asked));
  auto present = TRY(cpu_list(available_list));
  return std::includes(present.begin(), present.end(), wanted.begin(), wanted.end());
}

Result<void> check_limits(const ResourceLimits& limits, std::int64_t nano_cpus, LimitsFor use) {
  TRY(check_memory(limits, use));
  TRY(check_cpu(limits, nano_cpus));
  TRY(check_cpuset(limits.cpuset_cpus, "cpus", "CPUs"));
  TRY(check_cpuset(limits.cpuset_mems, "mems", "memory nodes"));
  if (limits.block_weight && (*limits.block_weight < 10 || *limits.block_weight > 1000))
    return not_allowed("Range of blkio weight is from 10 to 1000");
  return {};
}

ResourceLimits with_cpu_quota(ResourceLimits limits, std::int64_t nano_cpus) {
  if (nano_cpus <= 0) return limits;
  limits.cpu_period = kCpuPeriod;
  limits.cpu_quota = nano_cpus * kCpuPeriod / kNano;
  return limits;
}

}  // namespace strata
