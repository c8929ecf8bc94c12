#include "container/run_spec.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "container/limits.h"
#include "runtime/user.h"

namespace strata {
namespace {

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    auto comma = std::min(text.find(','), text.size());
    if (comma > 0) words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

Result<MountSpec> mount_of(const MountPoint& point) {
  struct stat st = {};
  if (point.type == "bind" && ::stat(point.source.c_str(), &st) < 0 && errno == ENOENT)
    TRY(make_dirs(AT_FDCWD, point.source, 0755)
            .context("error while creating mount source path '{}'", point.source));
  auto mount = bind_mount(point.source, point.destination, !point.read_write);
  if (!point.propagation.empty() && point.propagation != "rprivate")
    std::replace(mount.options.begin(), mount.options.end(), std::string("rprivate"),
                 point.propagation);
  return mount;
}

MountSpec tmpfs_of(const std::string& path, const std::string& options) {
  MountSpec mount{"tmpfs", "tmpfs", path, {"noexec", "nosuid", "nodev"}};
  for (auto& word : split_words(options)) mount.options.push_back(std::move(word));
  return mount;
}

/// What is deeper comes later; a mount of the user's takes the place of one of ours.
Result<void> add_mounts(ContainerSpec& spec, const ContainerRecord& record) {
  std::vector<MountSpec> added;
  for (const auto& point : record.mounts) added.push_back(TRY(mount_of(point)));
  for (const auto& [path, options] : record.host.tmpfs) added.push_back(tmpfs_of(path, options));
  for (auto& mount : added) {
    std::erase_if(spec.mounts, [&](const MountSpec& m) { return m.target == mount.target; });
    spec.mounts.push_back(std::move(mount));
  }
  auto depth = [](const MountSpec& m) { return std::count(m.target.begin(), m.target.end(), '/'); };
  std::stable_sort(spec.mounts.begin(), spec.mounts.end(),
                   [&](const MountSpec& a, const MountSpec& b) { return depth(a) < depth(b); });
  return {};
}

Result<std::uint64_t> mask_of(const std::optional<std::vector<std::string>>& names) {
  std::uint64_t mask = 0;
  if (names)
    for (const auto& name : *names) mask |= TRY(parse_capability(name));
  return mask;
}

bool names_all(const std::optional<std::vector<std::string>>& names) {
  return names && std::any_of(names->begin(), names->end(),
                              [](const std::string& n) { return n == "ALL" || n == "all"; });
}

/// docker's rule: with ALL on one side, the other side lists the exceptions.
Result<std::uint64_t> capabilities(const HostConfig& host) {
  auto add = TRY(mask_of(host.cap_add));
  auto drop = TRY(mask_of(host.cap_drop));
  if (names_all(host.cap_add))
    return available_capabilities() & (names_all(host.cap_drop) ? 0 : ~drop);
  if (names_all(host.cap_drop)) return add;
  return (kDefaultCapabilities & ~drop) | add;
}

Result<void> apply_security(ContainerSpec& spec, const HostConfig& host) {
  spec.privileged = host.privileged;
  spec.capabilities = TRY(capabilities(host));
  spec.readonly_rootfs = host.readonly_rootfs;
  spec.masked_paths = host.masked_paths.value_or(std::vector<std::string>());
  spec.readonly_paths = host.readonly_paths.value_or(std::vector<std::string>());
  if (!host.security_opt) return {};
  for (const auto& option : *host.security_opt) {
    if (option == "no-new-privileges" || option == "no-new-privileges=true" ||
        option == "no-new-privileges:true")
      spec.no_new_privileges = true;
    else if (option == "seccomp=unconfined" || option == "seccomp:unconfined")
      spec.seccomp = false;
    else if (option.starts_with("seccomp"))
      return Error(ErrorCode::Unsupported,
                   "seccomp profiles of one's own are not supported: " + option);
  }
  return {};
}

Result<void> apply_groups(ContainerSpec& spec, const HostConfig& host, int root) {
  if (!host.group_add || root < 0) return {};
  for (const auto& group : *host.group_add) {
    auto user = resolve_user(root, "0:" + group);
    if (!user && user.error().message().starts_with("unable to find"))
      return Error(ErrorCode::InvalidArgument, 'U' + user.error().message().substr(1));  // docker's
    auto gid = TRY(std::move(user)).gid;
    auto& gids = spec.additional_gids;
    if (std::find(gids.begin(), gids.end(), gid) == gids.end()) gids.push_back(gid);
  }
  return {};
}

void apply_limits(ContainerSpec& spec, const HostConfig& host) {
  spec.limits = with_cpu_quota(host.limits, host.nano_cpus);
  if (host.shm_size > 0) spec.shm_size = host.shm_size;
  spec.ulimits = host.ulimits;
  if (host.oom_score_adj != 0) spec.oom_score_adj = static_cast<int>(host.oom_score_adj);
}

}  // namespace

Result<void> apply_host_config(ContainerSpec& spec, const ContainerRecord& record, int root) {
  TRY(add_mounts(spec, record));
  TRY(apply_security(spec, record.host));
  TRY(apply_groups(spec, record.host, root));
  apply_limits(spec, record.host);
  return {};
}

}  // namespace strata
