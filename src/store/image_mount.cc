#include "store/image_mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "image/json.h"

namespace strata {
namespace {

constexpr const char* kImageMounts = "image-mounts";
constexpr std::size_t kRecordLimit = 16384;  // bytes; a path has 4096

std::string record_path(const std::string& directory) {
  return std::string(kImageMounts) + '/' + sha256(directory).hex();
}

Result<std::string> boot_id() { return read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64); }

bool is_mount_point(const std::string& directory) {
  struct statx st {};
  if (::statx(AT_FDCWD, directory.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) <
      0)
    return false;
  return (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Result<void> record_image_mount(int own_dir, const ImageMount& mount) {
  TRY(make_dirs(own_dir, kImageMounts, 0700));
  auto record = Json::object(
      {{"image", mount.image.str()}, {"directory", mount.directory}, {"boot", TRY(boot_id())}});
  return write_file_atomic(own_dir, record_path(mount.directory), record.dump(), 0600);
}

void forget_image_mount(int own_dir, const std::string& directory) {
  ::unlinkat(own_dir, record_path(directory).c_str(), 0);
}

Result<std::vector<ImageMount>> image_mounts(int own_dir) {
  std::vector<ImageMount> mounts;
  auto dir = open_dir(own_dir, kImageMounts);
  if (!dir && dir.error().code() == ErrorCode::NotFound) return mounts;
  if (!dir) return std::move(dir).error();
  auto boot = TRY(boot_id());
  for (const auto& name : TRY(list_dir(dir->get()))) {
    auto text = read_file(dir->get(), name, kRecordLimit);
    auto record = text ? Json::parse(*text) : Result<Json>(std::move(text).error());
    auto image = record ? Digest::parse((*record)["image"].as_string())
                        : Result<Digest>(std::move(record).error());
    if (!image || (*record)["boot"].as_string() != boot) {
      ::unlinkat(dir->get(), name.c_str(), 0);
      continue;
    }
    std::string directory((*record)["directory"].as_string());
    if (is_mount_point(directory)) mounts.push_back({ImageID(*image), std::move(directory)});
  }
  return mounts;
}

}  // namespace strata
