#include "fs/overlay_mount.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <thread>

namespace strata {
namespace {

constexpr std::size_t kMaxLowers = 128;
constexpr std::size_t kMaxMountData = 4095;  // mount(2) takes one page, NUL included

Result<void> append_directory(std::string& data, std::string_view prefix, const std::string& name) {
  // Each of these is syntax of the option string, and kernels differ in how they are escaped.
  if (name.empty() || name.find_first_of(":,\\") != std::string::npos)
    return Error(ErrorCode::InvalidArgument, "overlay directory has an unusable name: " + name);
  data.append(prefix).append(name);
  return {};
}

Result<std::string> overlay_options(const OverlaySpec& spec) {
  std::string data = "redirect_dir=off,metacopy=off,index=off";
  if (spec.is_volatile) data += ",volatile";
  std::string_view prefix = ",lowerdir=";
  for (const auto& lower : spec.lowers) {
    TRY(append_directory(data, prefix, lower));
    prefix = ":";
  }
  if (!spec.upper.empty()) {
    TRY(append_directory(data, ",upperdir=", spec.upper));
    TRY(append_directory(data, ",workdir=", spec.work));
  }
  if (data.size() > kMaxMountData)
    return Error(ErrorCode::InvalidArgument, "overlay mount: names of the layers are too long");
  return data;
}

/// The absolute path of an open directory; "" if it has none.
std::string path_of(int dir) {
  std::array<char, PATH_MAX> path{};
  ssize_t n = ::readlink(fmt::format("/proc/self/fd/{}", dir).c_str(), path.data(), path.size());
  return n > 0 && path[0] == '/' ? std::string(path.data(), static_cast<std::size_t>(n)) : "";
}

/// Since Linux 6.8 overlayfs takes its lowers one by one, so that the mount needs neither a place
/// nor a namespace nor a thread that may leave ours. Any failure gives -1: the other way is tried,
/// and knows why.
UniqueFd mount_by_context(const OverlaySpec& spec) {
  // A relative name would be one of the working directory, which all threads have in common.
  auto dir = path_of(spec.overlay_dir);
  UniqueFd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  bool ok = context && !dir.empty();
  auto set = [&](const char* key, const std::string& value) {
    ok = ok && ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0;
  };
  auto set_directory = [&](const char* key, const std::string& name) {
    set(key, name.starts_with('/') ? name : dir + "/" + name);
  };
  set("source", "overlay");
  for (const char* key : {"redirect_dir", "metacopy", "index"}) set(key, "off");
  for (const auto& lower : spec.lowers) set_directory("lowerdir+", lower);
  if (!spec.upper.empty()) {
    set_directory("upperdir", spec.upper);
    set_directory("workdir", spec.work);
  }
  if (spec.is_volatile)
    ok = ok && ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "volatile", nullptr, 0) == 0;
  if (!ok || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    return UniqueFd();
  return UniqueFd(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
}

struct MountAttempt {
  const char* step = "";  // the call that failed
  int error = 0;
  UniqueFd tree;
};

/// Runs on a thread that ends right after, because it leaves the mount namespace of the process.
/// mount(2) rather than fsconfig(2): before Linux 6.8 that takes no more than 256 bytes of
/// lowerdir.
MountAttempt mount_in_private_namespace(int overlay_dir, const char* options, const char* target) {
  auto failed = [](const char* step) { return MountAttempt{step, errno, UniqueFd()}; };
  // The working directory moves into the new namespace, a descriptor would not, and overlayfs takes
  // layers of its own namespace only: so chdir first.
  if (::unshare(CLONE_FS) < 0 || ::fchdir(overlay_dir) < 0) return failed("chdir");
  if (::unshare(CLONE_NEWNS) < 0) return failed("unshare");
  if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return failed("make private");
  if (::mount("overlay", target, "overlay", 0, options) < 0) return failed("mount");
  UniqueFd tree(::open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return failed("open_tree");
  // Now, and not whenever the kernel takes the namespace down: closing the result shall unmount.
  if (::umount2(target, MNT_DETACH) < 0) return failed("umount");
  return {"", 0, std::move(tree)};
}

Result<UniqueFd> clone_directory(int dir, const std::string& name, bool read_only) {
  UniqueFd tree(::open_tree(dir, name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return Error::from_errno(errno, "open_tree " + name);
  struct mount_attr attributes = {};
  attributes.attr_set = read_only ? MOUNT_ATTR_RDONLY : 0;
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
    return Error::from_errno(errno, "mount_setattr " + name);
  return tree;
}

}  // namespace

Result<UniqueFd> mount_overlay(const OverlaySpec& spec) {
  if (spec.lowers.empty() && spec.upper.empty())
    return Error(ErrorCode::InvalidArgument, "overlay mount: no layers");
  if (spec.lowers.size() > kMaxLowers)
    return Error(ErrorCode::InvalidArgument, "overlay mount: max depth exceeded");
  if (spec.lowers.empty()) return clone_directory(spec.overlay_dir, spec.upper, false);
  if (spec.upper.empty() && spec.lowers.size() == 1)
    return clone_directory(spec.overlay_dir, spec.lowers.front(), true);

  auto options = TRY(overlay_options(spec));
  if (auto mount = mount_by_context(spec)) return mount;
  MountAttempt attempt;
  std::thread([&] {
    attempt =
        mount_in_private_namespace(spec.overlay_dir, options.c_str(), spec.lowers.front().c_str());
  }).join();
  if (!attempt.tree)
    return Error::from_errno(attempt.error, std::string("overlay mount: ") + attempt.step);
  return std::move(attempt.tree);
}

int attach_mount(int mount, const char* target) {
  return ::move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

}  // namespace strata
