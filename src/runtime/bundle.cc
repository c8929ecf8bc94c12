#include "runtime/bundle.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "image/json.h"
#include "runtime/resources.h"
#include "runtime/seccomp.h"

namespace strata {
namespace {

// In the order of their numbers, linux/capability.h.
constexpr const char* kCapabilityNames[] = {"CHOWN",
                                            "DAC_OVERRIDE",
                                            "DAC_READ_SEARCH",
                                            "FOWNER",
                                            "FSETID",
                                            "KILL",
                                            "SETGID",
                                            "SETUID",
                                            "SETPCAP",
                                            "LINUX_IMMUTABLE",
                                            "NET_BIND_SERVICE",
                                            "NET_BROADCAST",
                                            "NET_ADMIN",
                                            "NET_RAW",
                                            "IPC_LOCK",
                                            "IPC_OWNER",
                                            "SYS_MODULE",
                                            "SYS_RAWIO",
                                            "SYS_CHROOT",
                                            "SYS_PTRACE",
                                            "SYS_PACCT",
                                            "SYS_ADMIN",
                                            "SYS_BOOT",
                                            "SYS_NICE",
                                            "SYS_RESOURCE",
                                            "SYS_TIME",
                                            "SYS_TTY_CONFIG",
                                            "MKNOD",
                                            "LEASE",
                                            "AUDIT_WRITE",
                                            "AUDIT_CONTROL",
                                            "SETFCAP",
                                            "MAC_OVERRIDE",
                                            "MAC_ADMIN",
                                            "SYSLOG",
                                            "WAKE_ALARM",
                                            "BLOCK_SUSPEND",
                                            "AUDIT_READ",
                                            "PERFMON",
                                            "BPF",
                                            "CHECKPOINT_RESTORE"};
static_assert(std::size(kCapabilityNames) == CAP_CHECKPOINT_RESTORE + 1);

std::string upper_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::uint64_t permitted_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data = {};
  if (::syscall(SYS_capget, &header, data.data()) < 0) return 0;
  return data[0].permitted | std::uint64_t{data[1].permitted} << 32;
}

Json capability_list(std::uint64_t mask) {
  Json::Array list;
  for (std::size_t i = 0; i < std::size(kCapabilityNames); i++)
    if ((mask >> i & 1) != 0) list.emplace_back(std::string("CAP_") + kCapabilityNames[i]);
  return list;
}

/// A user other than root gets none before it runs a set-uid program, as execve(2) has it.
Json capabilities_json(uid_t uid, Json list) {
  Json sets = Json::Object{{"bounding", list}};
  if (uid == 0) {
    sets.set("effective", list);
    sets.set("permitted", std::move(list));
  }
  return sets;
}

Json user_json(uid_t uid, gid_t gid, const std::vector<gid_t>& additional_gids) {
  Json::Array gids;
  for (gid_t additional : additional_gids) gids.emplace_back(std::int64_t{additional});
  return Json::Object{
      {"uid", std::int64_t{uid}}, {"gid", std::int64_t{gid}}, {"additionalGids", std::move(gids)}};
}

bool same_variable(std::string_view a, std::string_view b) {
  return a.substr(0, a.find('=')) == b.substr(0, b.find('='));
}

/// A later value of a name stands in the place of the first; "NAME" alone takes it away.
void merge_variable(std::vector<std::string>& env, const std::string& variable) {
  auto same = std::find_if(env.begin(), env.end(),
                           [&](const auto& other) { return same_variable(other, variable); });
  bool unsets = variable.find('=') == std::string::npos;
  if (same == env.end()) {
    if (!unsets) env.push_back(variable);
  } else if (unsets) {
    env.erase(same);
  } else {
    *same = variable;
  }
}

Json process_json(const ContainerSpec& spec, std::uint64_t capabilities) {
  Json::Array rlimits;
  for (const auto& u : spec.ulimits)
    // The spec's numbers are unsigned 64 bits; runtimes read -1 as RLIM_INFINITY.
    rlimits.push_back(
        Json::Object{{"type", "RLIMIT_" + upper_case(u.name)}, {"hard", u.hard}, {"soft", u.soft}});
  Json process = Json::Object{
      {"terminal", spec.terminal},
      {"user", user_json(spec.uid, spec.gid, spec.additional_gids)},
      {"args", Json::strings(spec.argv)},
      {"env", Json::strings(spec.env)},
      {"cwd", spec.cwd},
      {"capabilities", capabilities_json(spec.uid, capability_list(capabilities))},
      {"rlimits", std::move(rlimits)},
      {"noNewPrivileges", spec.no_new_privileges},
  };
  if (spec.oom_score_adj) process.set("oomScoreAdj", *spec.oom_score_adj);
  return process;
}

std::vector<MountSpec> default_mounts(const ContainerSpec& spec) {
  std::vector<MountSpec> mounts = {
      {"proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}},
      {"tmpfs", "tmpfs", "/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"devpts",
       "devpts",
       "/dev/pts",
       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev"}},
      {"mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}},
      {"tmpfs",
       "shm",
       "/dev/shm",
       {"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", spec.shm_size)}},
  };
  if (spec.cgroup_mode != CgroupMode::None)
    mounts.push_back({"cgroup", "cgroup", "/sys/fs/cgroup", {"nosuid", "noexec", "nodev"}});
  if (!spec.privileged)
    for (auto& mount : mounts)
      if (mount.type == "sysfs" || mount.type == "cgroup") mount.options.emplace_back("ro");
  return mounts;
}

Json mounts_json(const ContainerSpec& spec) {
  Json::Array list;
  auto add = [&](const MountSpec& m) {
    list.push_back(Json::Object{{"destination", m.target},
                                {"type", m.type},
                                {"source", m.source},
                                {"options", Json::strings(m.options)}});
  };
  for (const auto& mount : default_mounts(spec)) {
    bool replaced = std::any_of(spec.mounts.begin(), spec.mounts.end(),
                                [&](const auto& m) { return m.target == mount.target; });
    if (!replaced) add(mount);
  }
  for (const auto& mount : spec.mounts) add(mount);
  return list;
}

Json device_rule(bool allow, const char* type, std::int64_t major, std::int64_t minor,
                 const char* access) {
  Json rule = Json::Object{{"allow", allow}};
  if (*type != '\0') rule.set("type", type);
  if (major >= 0) rule.set("major", major);
  if (minor >= 0) rule.set("minor", minor);
  rule.set("access", access);
  return rule;
}

/// What the device cgroup lets through; the nodes themselves are made by the runtime.
Json device_rules(bool privileged) {
  if (privileged) return Json::array({device_rule(true, "", -1, -1, "rwm")});
  Json rules = Json::array();
  rules.push(device_rule(false, "", -1, -1, "rwm"));
  rules.push(device_rule(true, "c", -1, -1, "m"));  // mknod of anything, use of nothing
  rules.push(device_rule(true, "b", -1, -1, "m"));
  struct Device {
    std::int64_t major;
    std::int64_t minor;
  };
  // null, zero, full, random, urandom, tty, console, ptmx, pts/*
  for (Device d : {Device{1, 3}, Device{1, 5}, Device{1, 7}, Device{1, 8}, Device{1, 9},
                   Device{5, 0}, Device{5, 1}, Device{5, 2}, Device{136, -1}})
    rules.push(device_rule(true, "c", d.major, d.minor, "rwm"));
  return rules;
}

/// A new group has no limits, and crun (1.8) does not understand a -1 that asks for that.
ResourceLimits limits_of_new(ResourceLimits limits) {
  if (limits.pids && *limits.pids <= 0) limits.pids.reset();
  if (limits.cpu_quota && *limits.cpu_quota < 0) limits.cpu_quota.reset();
  return limits;
}

Json resources_json(const ContainerSpec& spec) {
  Json resources = Json::Object{{"devices", device_rules(spec.privileged)}};
  const auto limits = oci_resources(limits_of_new(spec.limits));
  for (const auto& [name, members] : limits.as_object()) resources.set(name, members);
  return resources;
}

Json namespaces_json(const ContainerSpec& spec) {
  Json list = Json::array();
  auto add = [&](const char* type) { list.push(Json::Object{{"type", type}}); };
  for (const char* type : {"mount", "uts", "ipc", "pid"}) add(type);
  if (spec.network == NetworkMode::None) add("network");
  // docker's default: private with v2, the host's with v1.
  if (spec.cgroup_mode == CgroupMode::V2 && !spec.privileged) add("cgroup");
  return list;
}

/// A runtime that lacks a capability itself could not start a container that shall have it.
std::uint64_t granted_capabilities(const ContainerSpec& spec) {
  return (spec.privileged ? ~std::uint64_t{0} : spec.capabilities) & available_capabilities();
}

bool has_seccomp(const ContainerSpec& spec) { return spec.seccomp && !spec.privileged; }

Json linux_json(const ContainerSpec& spec, std::uint64_t capabilities) {
  Json out =
      Json::Object{{"resources", resources_json(spec)}, {"namespaces", namespaces_json(spec)}};
  if (!spec.cgroup_path.empty()) out.set("cgroupsPath", spec.cgroup_path);
  if (!spec.domainname.empty())
    out.set("sysctl", Json::Object{{"kernel.domainname", spec.domainname}});
  if (spec.privileged) return out;
  if (has_seccomp(spec)) out.set("seccomp", seccomp_profile(capabilities));
  out.set("maskedPaths", Json::strings(spec.masked_paths));
  out.set("readonlyPaths", Json::strings(spec.readonly_paths));
  return out;
}

}  // namespace

MountSpec bind_mount(std::string source, std::string target, bool read_only) {
  MountSpec mount = {"bind", std::move(source), std::move(target), {"rbind", "rprivate"}};
  if (read_only) mount.options.emplace_back("ro");
  return mount;
}

std::uint64_t available_capabilities() {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < std::size(kCapabilityNames); i++)
    if (::prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) mask |= std::uint64_t{1} << i;
  return mask & permitted_capabilities();
}

Result<std::uint64_t> parse_capability(std::string_view name) {
  auto wanted = upper_case(name);
  if (wanted == "ALL") return (std::uint64_t{1} << std::size(kCapabilityNames)) - 1;
  if (wanted.starts_with("CAP_")) wanted.erase(0, 4);
  for (std::size_t i = 0; i < std::size(kCapabilityNames); i++)
    if (wanted == kCapabilityNames[i]) return std::uint64_t{1} << i;
  return Error(ErrorCode::InvalidArgument, fmt::format("invalid capability: \"CAP_{}\"", wanted));
}

std::vector<std::string> default_masked_paths() {
  return {"/proc/asound",        "/proc/acpi",       "/proc/kcore",       "/proc/keys",
          "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
          "/proc/scsi",          "/sys/firmware"};
}

std::vector<std::string> default_readonly_paths() {
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

std::string oci_seccomp(const ContainerSpec& spec) {
  return has_seccomp(spec) ? seccomp_profile(granted_capabilities(spec)).dump() : "";
}

std::string oci_config(const ContainerSpec& spec) {
  auto capabilities = granted_capabilities(spec);
  Json config = Json::Object{
      {"ociVersion", "1.0.2"},
      {"process", process_json(spec, capabilities)},
      {"root", Json::Object{{"path", spec.rootfs}, {"readonly", spec.readonly_rootfs}}},
      {"hostname", spec.hostname},
      {"mounts", mounts_json(spec)},
  };
  if (!spec.annotations.empty()) {
    Json annotations = Json::object();
    for (const auto& [key, value] : spec.annotations) annotations.set(key, value);
    config.set("annotations", std::move(annotations));
  }
  config.set("linux", linux_json(spec, capabilities));
  return config.dump();
}

Result<std::string> oci_exec_process(std::string_view config, const ExecSpec& exec) {
  Json process = TRY(Json::parse(config))["process"];
  if (!process.is_object()) return Error(ErrorCode::Corrupt, "config.json: no process");
  auto env = process["env"].as_strings();
  constexpr std::ptrdiff_t kBehindHostname = 2;  // docker's order: PATH, HOSTNAME, TERM, ...
  bool has_term =
      std::any_of(env.begin(), env.end(), [](const auto& e) { return e.starts_with("TERM="); });
  if (exec.terminal && !has_term)
    env.insert(env.begin() + std::min(kBehindHostname, std::ssize(env)), "TERM=xterm");
  for (const auto& variable : exec.env) merge_variable(env, variable);
  process.set("args", Json::strings(exec.argv));
  process.set("env", Json::strings(env));
  process.set("terminal", exec.terminal);
  if (!exec.cwd.empty()) process.set("cwd", exec.cwd);
  auto uid = static_cast<uid_t>(process["user"]["uid"].as_int());
  if (exec.user) {
    uid = exec.user->uid;
    process.set("user", user_json(uid, exec.user->gid, exec.user->additional_gids));
  }
  Json list = exec.privileged ? capability_list(available_capabilities())
                              : process["capabilities"]["bounding"];
  process.set("capabilities", capabilities_json(uid, std::move(list)));
  return process.dump();
}

}  // namespace strata
