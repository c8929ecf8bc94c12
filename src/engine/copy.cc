#include "engine/copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "base/file_lock.h"
#include "base/io.h"
#include "build/unpack.h"
#include "compress/detect.h"
#include "container/copy_tree.h"
#include "container/liveness.h"
#include "container/lookup.h"
#include "container/root.h"
#include "engine/typed_path.h"
#include "runtime/user.h"
#include "store/tree_tar.h"

namespace strata {
namespace {

/// With the end of the path kept as it was typed.
std::string absolute(const std::string& path) { return path.starts_with('/') ? path : "/" + path; }

Error no_such_path(const CopyFilesRequest& request, const std::string& path) {
  return Error(ErrorCode::NotFound,
               fmt::format("No such container:path: {}:{}", request.container, path));
}

/// Where the copy goes, by docker's rules (archive.PrepareArchiveCopy): into an existing directory,
/// onto an existing file, or to a new name. The name is "." for the directory itself.
Result<std::pair<UniqueFd, std::string>> destination(const TypedPath& source, bool is_directory,
                                                     FoundFile target, bool asserts_directory) {
  if (target.st && S_ISDIR(target.st->st_mode)) {
    auto dir = TRY(open_at(target.dir.get(), target.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const bool whole = source.contents || source.name == ".";
    return std::pair(std::move(dir), is_directory && whole ? "." : source.name);
  }
  if (target.st && is_directory) return Error(ErrorCode::InvalidArgument, "cannot copy directory");
  if (!target.st && !is_directory && asserts_directory)
    return Error(ErrorCode::NotFound, "no such directory");
  return std::pair(std::move(target.dir), std::move(target.name));
}

Result<void> transfer(const FoundFile& source, const TypedPath& typed, FoundFile target,
                      bool asserts_directory, const CopyRules& rules) {
  const bool is_directory = S_ISDIR(source.st->st_mode);
  if (typed.is_directory && !is_directory)
    return Error(ErrorCode::InvalidArgument, "not a directory");
  auto [dir, name] = TRY(destination(typed, is_directory, std::move(target), asserts_directory));
  return copy_into(source.dir.get(), source.name, dir.get(), name, rules);
}

/// An open store with a container that nobody starts or removes meanwhile.
struct Opened {
  std::unique_ptr<Store> store;
  std::optional<FileLock> lock;
  ContainerRecord record;
};

Result<Opened> open_container(const EngineOptions& engine, const CopyFilesRequest& request,
                              const std::string& path) {
  Opened o;
  o.store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = find_container(*o.store, request.container);
  if (!record && record.error().code() == ErrorCode::NotFound) return no_such_path(request, path);
  o.record = TRY(std::move(record));
  if (is_running(*o.store, o.record)) return o;
  o.lock = TRY(lock_container(*o.store, o.record.id));
  o.record = TRY(load_container(*o.store, o.record.id));
  return o;
}

Result<FoundFile> find_source(const CopyFilesRequest& request, const ContainerPlace& place) {
  auto source = find_typed(place.root.get(), TypedPath::cut(place.path), request.follow_link);
  const auto path = absolute(request.container_path);
  if (!source || !source->st) return no_such_path(request, path);
  // As the daemon says it, which looks at the path as it was typed.
  if (TypedPath::cut(path).is_directory && !S_ISDIR(source->st->st_mode))
    return Error(ErrorCode::Conflict, fmt::format("lstat {}: not a directory", path));
  return source;
}

}  // namespace

Result<void> copy_from_container(const EngineOptions& engine, const CopyFilesRequest& request) {
  auto opened = TRY(open_container(engine, request, absolute(request.container_path)));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  auto source = TRY(find_source(request, place));
  auto root = TRY(open_dir(AT_FDCWD, "/"));
  const auto typed = TypedPath::cut(request.local_path);
  auto target = find_typed(root.get(), typed, /*follow=*/true);
  if (!target)
    return Error(ErrorCode::NotFound,
                 fmt::format("invalid output path: directory \"{}\" does not exist", typed.parent));
  // docker unpacks as the caller, whoever owned the files inside.
  return transfer(source, TypedPath::cut(request.container_path), *std::move(target),
                  typed.is_directory, {Owner{::geteuid(), ::getegid()}});
}

Result<void> copy_to_container(const EngineOptions& engine, const CopyFilesRequest& request) {
  auto opened = TRY(open_container(engine, request, TypedPath::cut(request.container_path).parent));
  auto root = TRY(open_dir(AT_FDCWD, "/"));
  const auto typed = TypedPath::cut(request.local_path);
  auto source = find_typed(root.get(), typed, request.follow_link);
  if (!source || !source->st)
    return Error(ErrorCode::NotFound,
                 fmt::format("lstat {}: no such file or directory", request.local_path));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  const auto to = TypedPath::cut(place.path);
  auto target = find_typed(place.root.get(), to, /*follow=*/true);
  if (!target) return no_such_path(request, to.parent);
  CopyRules rules;
  if (request.container_owner) {
    auto user = TRY(resolve_user(place.root.get(), opened.record.config.user));
    rules.owner = Owner{user.uid, user.gid};
  }
  TRY(transfer(*source, typed, *std::move(target), to.is_directory, rules));
  return engine.lazy ? Result<void>() : opened.store->sync();
}

Result<void> copy_tar_to_container(const EngineOptions& engine, const CopyFilesRequest& request,
                                   ByteSource& tar) {
  const auto path = absolute(request.container_path);
  auto opened = TRY(open_container(engine, request, TypedPath::cut(path).parent));
  auto place = TRY(find_place(*opened.store, opened.record, path));
  auto target = find_typed(place.root.get(), TypedPath::cut(place.path), /*follow=*/true);
  if (!target || !target->st || !S_ISDIR(target->st->st_mode))
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("destination \"{}:{}\" must be a directory", request.container,
                             request.container_path));
  auto dir = TRY(open_at(target->dir.get(), target->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  auto plain = TRY(decompress(tar));
  TRY(build::unpack(dir.get(), *plain, build::Marks::Names, engine.stop));
  return engine.lazy ? Result<void>() : opened.store->sync();
}

Result<void> copy_from_container_as_tar(const EngineOptions& engine,
                                        const CopyFilesRequest& request, const ByteSink& sink) {
  auto opened = TRY(open_container(engine, request, absolute(request.container_path)));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  auto source = TRY(find_source(request, place));
  return write_file_tar(source.dir.get(), source.name, TypedPath::cut(request.container_path).name,
                        sink);
}

}  // namespace strata
