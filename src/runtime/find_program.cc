#include "runtime/find_program.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace strata {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// 0, or why `path` cannot be executed.
int executable_error(int rootfs, const std::string& path) {
  auto fd = open_in_root(rootfs, path, Resolve::InRoot, O_PATH);
  if (!fd) return fd.error().sys_errno();
  struct stat st = {};
  if (::fstat(fd->get(), &st) < 0) return errno;
  return S_ISDIR(st.st_mode) || (st.st_mode & 0111) == 0 ? EACCES : 0;
}

std::string_view search_path(const std::vector<std::string>& env) {
  for (const auto& variable : env)
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  return kDefaultPath;
}

bool found_in_path(int rootfs, const ContainerSpec& spec) {
  auto rest = search_path(spec.env);
  while (true) {
    auto colon = rest.find(':');
    auto dir = std::string(rest.substr(0, colon));
    if (!dir.starts_with('/')) dir = spec.cwd + "/" + dir;
    if (executable_error(rootfs, dir + "/" + spec.argv[0]) == 0) return true;
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

/// Any mount could hold the program, or be on the way to it by a link; files that runtimes put in
/// place, such as etc/hosts, could not.
bool mounts_may_provide(const ContainerSpec& spec) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const MountSpec& mount) {
    return !mount.target.starts_with("/etc/") && !mount.target.starts_with("/dev/");
  });
}

}  // namespace

std::optional<RuntimeFailure> check_program(int rootfs, const ContainerSpec& spec,
                                            RuntimeCall call) {
  if (spec.argv.empty()) return std::nullopt;
  const auto& program = spec.argv[0];
  if (mounts_may_provide(spec) && !program.empty()) return std::nullopt;
  auto failure = [&](const std::string& why) {
    return explain_failure(fmt::format("exec: \"{}\": {}", program, why), program, call);
  };
  if (program.find('/') == std::string::npos) {
    if (!program.empty() && found_in_path(rootfs, spec)) return std::nullopt;
    return failure("executable file not found in $PATH");
  }
  auto path = program.starts_with('/') ? program : spec.cwd + "/" + program;
  int error = executable_error(rootfs, path);
  if (error == 0) return std::nullopt;
  if (error == EACCES) return failure("permission denied");
  return failure(fmt::format("stat {}: {}", program,
                             error == ENOENT    ? "no such file or directory"
                             : error == ENOTDIR ? "not a directory"
                                                : ::strerrordesc_np(error)));
}

}  // namespace strata
