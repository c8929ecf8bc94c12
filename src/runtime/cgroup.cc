#include "runtime/cgroup.h"

#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "base/text.h"

namespace strata {
namespace {

constexpr std::string_view kRoot = "/sys/fs/cgroup";

bool contains(const std::vector<std::string_view>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

/// One line of mountinfo (proc(5)), as far as it matters here.
struct Mount {
  std::string_view point;
  std::string_view type;
  std::vector<std::string_view> options;        // of the mount
  std::vector<std::string_view> super_options;  // of the file system: the controllers of v1
};

std::optional<Mount> parse_mount(std::string_view line) {
  auto fields = split(line, ' ');
  auto dash = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() < 6 || fields.end() - dash < 4) return std::nullopt;
  return Mount{fields[4], dash[1], split(fields[5], ','), split(dash[3], ',')};
}

/// These words of a v1 superblock are no controllers.
bool is_controller(std::string_view option) {
  static constexpr std::string_view kKnown[] = {
      "blkio",  "cpu",     "cpuacct",  "cpuset",     "devices", "freezer", "hugetlb",
      "memory", "net_cls", "net_prio", "perf_event", "pids",    "rdma"};
  return std::find(std::begin(kKnown), std::end(kKnown), option) != std::end(kKnown);
}

/// `memory.swap.max` is in every group but the root one, if the kernel has it.
bool v2_limits_swap() {
  auto root = open_dir(AT_FDCWD, std::string(kRoot));
  if (!root) return false;
  auto own = read_file(AT_FDCWD, "/proc/self/cgroup");
  if (own && own->starts_with("0::/")) {
    auto group = own->substr(4, own->find('\n') - 4);
    if (!group.empty()) return stat_at(root->get(), group + "/memory.swap.max").has_value();
  }
  auto names = list_dir(root->get());
  return names && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
           return stat_at(root->get(), name + "/memory.swap.max").has_value();
         });
}

std::vector<std::string> v2_controllers() {
  auto text = read_file(AT_FDCWD, std::string(kRoot) + "/cgroup.controllers");
  std::vector<std::string> controllers;
  if (!text) return controllers;
  for (auto word : split(std::string_view(*text).substr(0, text->find('\n')), ' '))
    if (!word.empty()) controllers.emplace_back(word);
  std::sort(controllers.begin(), controllers.end());
  return controllers;
}

}  // namespace

bool CgroupSupport::has(std::string_view controller) const {
  return mode != CgroupMode::None &&
         std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

CgroupSupport parse_cgroup_mounts(std::string_view mountinfo) {
  CgroupSupport support;
  for (auto line : split(mountinfo, '\n')) {
    auto mount = parse_mount(line);
    // Runtimes look in this place only, and a read-only tree is of no use to them.
    if (!mount || !mount->point.starts_with(kRoot) || contains(mount->options, "ro")) continue;
    if (mount->type == "cgroup2" && mount->point == kRoot) {
      support.mode = CgroupMode::V2;
    } else if (mount->type == "cgroup2") {
      support.unified_mount = mount->point;
    } else if (mount->type == "cgroup") {
      support.mode = CgroupMode::V1;
      for (auto option : mount->super_options)
        if (is_controller(option)) support.controllers.emplace_back(option);
    }
  }
  std::sort(support.controllers.begin(), support.controllers.end());
  if (support.mode == CgroupMode::V1 && !support.unified_mount.empty())
    support.mode = CgroupMode::Hybrid;
  else
    support.unified_mount.clear();
  return support;
}

Result<CgroupSupport> detect_cgroups() {
  auto mountinfo = TRY(read_file(AT_FDCWD, "/proc/self/mountinfo"));
  auto support = parse_cgroup_mounts(mountinfo);
  if (support.mode == CgroupMode::V2) {
    support.controllers = v2_controllers();
    support.swap_limit = support.has("memory") && v2_limits_swap();
    support.block_weight = support.has("io");
    return support;
  }
  auto knows = [&](std::string_view controller, std::string_view file) {
    return support.has(controller) &&
           stat_at(AT_FDCWD, fmt::format("{}/{}/{}", kRoot, controller, file));
  };
  support.swap_limit = knows("memory", "memory.memsw.limit_in_bytes");
  support.block_weight = knows("blkio", "blkio.weight");
  return support;
}

std::vector<std::string> fit_limits(ResourceLimits& limits, const CgroupSupport& support) {
  std::vector<std::string> warnings;
  auto discard = [&](bool supported, auto& limit, std::string_view what, std::string_view effect) {
    using Limit = std::remove_reference_t<decltype(limit)>;
    if (supported || limit == Limit()) return;
    limit = Limit();
    warnings.push_back(fmt::format(
        "Your kernel does not support {} or the cgroup is not mounted. {}", what, effect));
  };
  bool memory = support.has("memory");
  if (!memory && limits.memory) limits.memory_swap.reset();  // one warning says it all
  discard(memory, limits.memory, "memory limit capabilities", "Limitation discarded.");
  discard(memory && support.swap_limit, limits.memory_swap, "swap limit capabilities",
          "Memory limited without swap.");
  discard(memory, limits.memory_reservation, "memory soft limit capabilities",
          "Limitation discarded.");
  bool cpu = support.has("cpu");
  discard(cpu, limits.cpu_shares, "CPU shares", "Shares discarded.");
  discard(cpu, limits.cpu_period, "CPU CFS scheduler", "Period discarded.");
  discard(cpu, limits.cpu_quota, "CPU CFS scheduler", "Quota discarded.");
  bool realtime = cpu && support.mode != CgroupMode::V2;
  discard(realtime, limits.cpu_rt_period, "CPU real-time scheduler", "Period discarded.");
  discard(realtime, limits.cpu_rt_runtime, "CPU real-time scheduler", "Runtime discarded.");
  bool cpuset = support.has("cpuset");
  discard(cpuset, limits.cpuset_cpus, "cpuset", "Cpuset discarded.");
  discard(cpuset, limits.cpuset_mems, "cpuset", "Cpuset discarded.");
  discard(support.has("pids"), limits.pids, "PIDs limit capabilities", "PIDs limit discarded.");
  discard(support.block_weight, limits.block_weight, "Block I/O weight", "Weight discarded.");
  return warnings;
}

}  // namespace strata
