#include "engine/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/io.h"
#include "container/lookup.h"
#include "engine/typed_path.h"
#include "fs/overlay_mount.h"
#include "fs/tmpfs_mount.h"
#include "image/reference.h"
#include "store/image_mount.h"
#include "store/layer_writer.h"
#include "store/tree_tar.h"

namespace strata {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;

Result<UniqueFd> image_root(const Store& store, const Image& image) {
  auto base = TRY(layer_base(store, image.config.diff_ids));
  return mount_base(store, base);
}

/// The root of an image without layers: an empty directory that nobody can write to.
Result<UniqueFd> empty_root() {
  auto root = TRY(mount_tmpfs());
  mount_attr read_only = {};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  auto dir = TRY(open_dir(root.get(), "."));
  if (::fchmod(dir.get(), 0755) < 0 ||
      ::mount_setattr(root.get(), "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
    return Error::from_errno(errno, "tmpfs");
  return root;
}

Result<UniqueFd> container_root(const Store& store, const std::string& id) {
  auto mount = TRY(store.layers().mount(id));
  LayerBase base;
  base.lowers = TRY(store.caches().stack(mount.mount_id));
  return mount_base(store, base);
}

Result<UniqueFd> root_of(const Store& store, std::string_view name) {
  auto image = take_image(store, name);
  if (image) return image_root(store, *image);
  if (image.error().code() != ErrorCode::NotFound) return std::move(image).error();
  auto container = find_container(store, name);
  if (container) return container_root(store, container->id);
  if (container.error().code() != ErrorCode::NotFound) return std::move(container).error();
  return Error(ErrorCode::NotFound, fmt::format("No such image or container: {}", name));
}

Error with_place(Error error, std::string_view name, const std::string& path) {
  auto code = error.code();
  if (code == ErrorCode::NotFound)
    return Error(code, fmt::format("{}: no such file or directory: {}", name, path));
  return Error(code, fmt::format("{}: {}: {}", name, path, error.message()));
}

Result<FileLine> line_of(int dir, const std::string& name, const struct stat& st) {
  FileLine line{name,          st.st_mode, st.st_uid, st.st_gid, st.st_size, {st.st_mtim.tv_sec, 0},
                std::string(), st.st_rdev};
  if (S_ISLNK(st.st_mode)) line.link = TRY(read_link_at(dir, name));
  return line;
}

Result<std::vector<FileLine>> directory_lines(int dir) {
  std::vector<FileLine> lines;
  for (const auto& name : TRY(list_dir(dir))) {
    struct stat st = TRY(stat_at(dir, name));
    lines.push_back(TRY(line_of(dir, name, st)));
  }
  return lines;
}

Result<std::vector<FileLine>> lines_at(int root, const std::string& path) {
  auto dir = open_in_root(root, path.empty() ? "/" : path, Resolve::InRoot,
                          O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (dir) return directory_lines(dir->get());
  const auto typed = TypedPath::cut(path);
  auto found = TRY(find_typed(root, typed, /*follow=*/false));
  if (!found.st || typed.is_directory) return std::move(dir).error();
  std::vector<FileLine> one;
  one.push_back(TRY(line_of(found.dir.get(), found.name, *found.st)));
  return one;
}

Result<void> pump(int fd, const ByteSink& sink) {
  std::unique_ptr<char[]> buffer(new char[kPiece]);
  while (true) {
    auto n = TRY(read_full(fd, buffer.get(), kPiece));
    if (n > 0) TRY(sink({buffer.get(), n}));
    if (n < kPiece) return {};
  }
}

std::string default_mount_point(const Store& store, ImageID id) {
  return store.path() + "/strata/mnt/" + id.digest().hex();
}

}  // namespace

Result<std::vector<FileLine>> list_files(const EngineOptions& engine, std::string_view name,
                                         const std::string& path) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto root = TRY(root_of(*store, name));
  auto lines = lines_at(root.get(), path);
  if (!lines) return with_place(std::move(lines).error(), name, path);
  return lines;
}

Result<void> read_file(const EngineOptions& engine, std::string_view name, const std::string& path,
                       const ByteSink& sink) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto root = TRY(root_of(*store, name));
  // O_PATH: the open of a fifo or a device must not wait or act.
  auto fd = open_in_root(root.get(), path, Resolve::InRoot, O_PATH);
  if (!fd) return with_place(std::move(fd).error(), name, path);
  struct stat st {};
  if (::fstat(fd->get(), &st) < 0) return Error::from_errno(errno, "stat " + path);
  if (!S_ISREG(st.st_mode))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{}: {}: {}", name, path,
                             S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file"));
  auto content =
      TRY(open_at(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd->get()), O_RDONLY | O_NONBLOCK));
  return pump(content.get(), sink);
}

Result<void> export_container(const EngineOptions& engine, std::string_view name,
                              const ByteSink& sink) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto record = TRY(find_container(*store, name));
  auto root = TRY(container_root(*store, record.id));
  auto dir = TRY(open_dir(root.get(), "."));
  return write_tree_tar(dir.get(), [&](std::string_view bytes) -> Result<void> {
    if (engine.stop.stop_requested()) return Error(ErrorCode::Cancelled, "export cancelled");
    return sink(bytes);
  });
}

Result<std::string> mount_image(const EngineOptions& engine, std::string_view image,
                                const std::string& directory) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto taken = TRY(take_image(*store, image));
  auto root = TRY(taken.config.diff_ids.empty() ? empty_root() : image_root(*store, taken));
  auto target = directory;
  if (target.empty()) {
    target = default_mount_point(*store, taken.id);
    TRY(make_dirs(AT_FDCWD, target, 0700));
  }
  std::unique_ptr<char, void (*)(void*)> real(::realpath(target.c_str(), nullptr), std::free);
  if (!real) return Error::from_errno(errno, "mount " + target);
  if (attach_mount(root.get(), real.get()) < 0)
    return Error::from_errno(errno, fmt::format("mount {}", real.get()));
  auto recorded = record_image_mount(store->own_dir(), {taken.id, real.get()});
  if (!recorded) ::umount2(real.get(), UMOUNT_NOFOLLOW);
  TRY(std::move(recorded));
  return std::string(real.get());
}

Result<std::string> unmount_image(const EngineOptions& engine, const std::string& what) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto target = what;
  auto id = resolve_image(*store, what);
  if (what.find('/') != 0 && id) target = default_mount_point(*store, *id);
  std::unique_ptr<char, void (*)(void*)> real(::realpath(target.c_str(), nullptr), std::free);
  if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) < 0)
    return errno == EINVAL || errno == ENOENT
               ? Error(ErrorCode::NotFound, fmt::format("{} is not mounted", what))
               : Error::from_errno(errno, "umount " + target);
  forget_image_mount(store->own_dir(), real ? real.get() : target);
  if (target.starts_with(store->path() + "/strata/mnt/")) ::rmdir(target.c_str());
  return target;
}

}  // namespace strata
