#include "container/init_layer.h"

#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "base/io.h"
#include "fs/whiteout.h"

namespace strata {
namespace {

struct InitEntry {
  const char* path;
  mode_t type;  // S_IFDIR, S_IFREG or S_IFLNK
  const char* target = nullptr;
};

// docker's list (docs/store.md, 3.7), parents before children.
constexpr InitEntry kEntries[] = {
    {"dev", S_IFDIR},
    {"dev/console", S_IFREG},
    {"dev/pts", S_IFDIR},
    {"dev/shm", S_IFDIR},
    {"etc", S_IFDIR},
    {"etc/hosts", S_IFREG},
    {"etc/hostname", S_IFREG},
    {"etc/mtab", S_IFLNK, "/proc/mounts"},
    {"etc/resolv.conf", S_IFREG},
    {".dockerenv", S_IFREG},
    {"proc", S_IFDIR},
    {"sys", S_IFDIR},
};

std::optional<struct stat> in_image(int root, const char* path) {
  if (root < 0) return std::nullopt;
  auto fd = open_in_root(root, path, Resolve::NoLinks, O_PATH | O_NOFOLLOW);
  struct stat st = {};
  if (!fd || ::fstat(fd->get(), &st) < 0) return std::nullopt;
  return st;
}

/// A directory that the image has keeps its owner, mode and time when it is looked at through us.
Result<void> make_directory(int diff, const char* path, const std::optional<struct stat>& image) {
  if (::mkdirat(diff, path, 0755) < 0)
    return Error::from_errno(errno, std::string("mkdir ") + path);
  bool keep = image && S_ISDIR(image->st_mode);
  mode_t mode = keep ? image->st_mode & 07777 : 0755;
  if (::fchmodat(diff, path, mode, 0) < 0 ||
      (keep && ::fchownat(diff, path, image->st_uid, image->st_gid, 0) < 0))
    return Error::from_errno(errno, std::string("set owner and mode of ") + path);
  return {};
}

Result<void> make_entry(int diff, const InitEntry& entry, int image_root) {
  auto image = in_image(image_root, entry.path);
  bool image_has_directory = image && S_ISDIR(image->st_mode);
  switch (entry.type) {
    case S_IFDIR: {
      // Those with children here must exist; of the others the image's own will do.
      bool parent = std::string_view(entry.path) == "dev" || std::string_view(entry.path) == "etc";
      if (image_has_directory && !parent) return {};
      return make_directory(diff, entry.path, image);
    }
    case S_IFLNK:
      if (image_has_directory) return {};
      if (::symlinkat(entry.target, diff, entry.path) < 0)
        return Error::from_errno(errno, std::string("symlink ") + entry.path);
      return {};
    default:
      if (image_has_directory) return {};
      return write_file(diff, entry.path, "", 0755);
  }
}

/// The directories on the way too. What the image has at `point` will do as it is.
Result<void> make_mount_stub(int diff, const MountStub& point, int image_root,
                             std::vector<std::string>& directories) {
  if (in_image(image_root, point.path.c_str())) return {};
  for (auto slash = point.path.find('/'); slash != std::string::npos;
       slash = point.path.find('/', slash + 1)) {
    auto directory = point.path.substr(0, slash);
    if (!stat_at(diff, directory))
      TRY(make_directory(diff, directory.c_str(), in_image(image_root, directory.c_str())));
    directories.push_back(std::move(directory));
  }
  if (stat_at(diff, point.path)) return {};
  if (point.directory) return make_directory(diff, point.path.c_str(), std::nullopt);
  return write_file(diff, point.path, "", 0644);
}

/// What is made in a directory moves its time; the image's is put back.
Result<void> restore_time(int diff, const char* path, int image_root) {
  auto image = in_image(image_root, path);
  if (!image || !S_ISDIR(image->st_mode)) return {};
  timespec times[2] = {image->st_mtim, image->st_mtim};
  if (::utimensat(diff, path, times, 0) < 0)
    return Error::from_errno(errno, std::string("set times of ") + path);
  return {};
}

}  // namespace

bool touches_init_layer(int diff) {
  for (const char* path : {"dev", "etc", "proc", "sys", ".dockerenv"})
    if (stat_at(diff, path)) return true;
  return false;
}

Result<std::shared_ptr<CacheDir>> make_init_layer(const Store& store, int image_root,
                                                  std::string id,
                                                  const std::vector<MountStub>& mount_stubs) {
  auto cache = TRY(store.caches().create(image_root >= 0, std::move(id)));
  for (const auto& entry : kEntries)
    TRY(make_entry(cache->diff(), entry, image_root).context("init layer"));
  std::vector<std::string> directories = {"dev", "etc"};
  for (const auto& point : mount_stubs)
    TRY(make_mount_stub(cache->diff(), point, image_root, directories).context("init layer"));
  for (const auto& path : directories) TRY(restore_time(cache->diff(), path.c_str(), image_root));
  return cache;
}

}  // namespace strata
