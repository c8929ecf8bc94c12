#include "engine/copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <optional>

#include "base/file_lock.h"
#include "base/io.h"
#include "container/copy_tree.h"
#include "container/liveness.h"
#include "container/lookup.h"
#include "container/root.h"
#include "runtime/user.h"
#include "store/tree_tar.h"

namespace strata {
namespace {

constexpr int kMaxLinks = 10;  // docker's limit for links at the end of a path

/// A path as typed, cut into the directory and the name in it.
struct TypedPath {
  std::string parent;         // absolute
  std::string name;           // "." for the root
  bool is_directory = false;  // it ends with "/" or "/."
  bool contents = false;      // it ends with "/."
};

TypedPath cut(std::string path) {
  if (!path.starts_with('/')) path.insert(0, "/");
  TypedPath typed;
  typed.contents = path.ends_with("/.");
  typed.is_directory = typed.contents || path.ends_with('/');
  while (path.size() > 1 && (path.ends_with('/') || path.ends_with("/.")))
    path.resize(path.size() - 1);
  const auto slash = path.rfind('/');
  typed.parent = slash == 0 ? "/" : path.substr(0, slash);
  typed.name = path.size() == 1 ? "." : path.substr(slash + 1);
  // The parent of ".." is not what its spelling says.
  if (typed.name == "..") typed = {path, ".", true, typed.contents};
  return typed;
}

/// A file below a root: the directory that holds it, and what it is.
struct Found {
  UniqueFd dir;
  std::string name;
  std::optional<struct stat> st;  // none: there is no such file, but the directory is there
};

Result<std::string> read_link_at(int dir, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  ssize_t n = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  if (n < 0) return Error::from_errno(errno, "readlink " + name);
  return std::string(target.data(), static_cast<std::size_t>(n));
}

/// Nothing on the way leads out of `root`. A link at the end is followed if `follow`, or if what
/// was typed can only mean a directory.
Result<Found> find(int root, TypedPath path, bool follow) {
  for (int links = 0; links < kMaxLinks; ++links) {
    Found found;
    found.dir = TRY(open_in_root(root, path.parent, Resolve::InRoot, O_RDONLY | O_DIRECTORY));
    found.name = path.name;
    auto st = stat_at(found.dir.get(), found.name);
    if (!st && st.error().code() != ErrorCode::NotFound) return std::move(st).error();
    if (!st) return found;
    found.st = *st;
    if (!S_ISLNK(st->st_mode) || !(follow || path.is_directory)) return found;
    auto target = TRY(read_link_at(found.dir.get(), found.name));
    auto next = cut(target.starts_with('/') ? target : path.parent + "/" + target);
    next.is_directory = path.is_directory;
    next.contents = path.contents;
    path = std::move(next);
  }
  return Error(ErrorCode::InvalidArgument, "too many links");
}

/// With the end of the path kept as it was typed.
std::string absolute(const std::string& path) { return path.starts_with('/') ? path : "/" + path; }

Error no_such_path(const CopyFilesRequest& request, const std::string& path) {
  return Error(ErrorCode::NotFound,
               fmt::format("No such container:path: {}:{}", request.container, path));
}

/// Where the copy goes, by docker's rules (archive.PrepareArchiveCopy): into an existing directory,
/// onto an existing file, or to a new name. The name is "." for the directory itself.
Result<std::pair<UniqueFd, std::string>> destination(const TypedPath& source, bool is_directory,
                                                     Found target, bool asserts_directory) {
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

Result<void> transfer(const Found& source, const TypedPath& typed, Found target,
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

Result<Found> find_source(const CopyFilesRequest& request, const ContainerPlace& place) {
  auto source = find(place.root.get(), cut(place.path), request.follow_link);
  const auto path = absolute(request.container_path);
  if (!source || !source->st) return no_such_path(request, path);
  // As the daemon says it, which looks at the path as it was typed.
  if (cut(path).is_directory && !S_ISDIR(source->st->st_mode))
    return Error(ErrorCode::Conflict, fmt::format("lstat {}: not a directory", path));
  return source;
}

}  // namespace

Result<void> copy_from_container(const EngineOptions& engine, const CopyFilesRequest& request) {
  auto opened = TRY(open_container(engine, request, absolute(request.container_path)));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  auto source = TRY(find_source(request, place));
  auto root = TRY(open_dir(AT_FDCWD, "/"));
  const auto typed = cut(request.local_path);
  auto target = find(root.get(), typed, /*follow=*/true);
  if (!target)
    return Error(ErrorCode::NotFound,
                 fmt::format("invalid output path: directory \"{}\" does not exist", typed.parent));
  // docker unpacks as the caller, whoever owned the files inside.
  return transfer(source, cut(request.container_path), *std::move(target), typed.is_directory,
                  {Owner{::geteuid(), ::getegid()}});
}

Result<void> copy_to_container(const EngineOptions& engine, const CopyFilesRequest& request) {
  auto opened = TRY(open_container(engine, request, cut(request.container_path).parent));
  auto root = TRY(open_dir(AT_FDCWD, "/"));
  const auto typed = cut(request.local_path);
  auto source = find(root.get(), typed, request.follow_link);
  if (!source || !source->st)
    return Error(ErrorCode::NotFound,
                 fmt::format("lstat {}: no such file or directory", request.local_path));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  const auto to = cut(place.path);
  auto target = find(place.root.get(), to, /*follow=*/true);
  if (!target) return no_such_path(request, to.parent);
  CopyRules rules;
  if (request.container_owner) {
    auto user = TRY(resolve_user(place.root.get(), opened.record.config.user));
    rules.owner = Owner{user.uid, user.gid};
  }
  TRY(transfer(*source, typed, *std::move(target), to.is_directory, rules));
  return engine.lazy ? Result<void>() : opened.store->sync();
}

Result<void> copy_from_container_as_tar(const EngineOptions& engine,
                                        const CopyFilesRequest& request, const ByteSink& sink) {
  auto opened = TRY(open_container(engine, request, absolute(request.container_path)));
  auto place = TRY(find_place(*opened.store, opened.record, absolute(request.container_path)));
  auto source = TRY(find_source(request, place));
  return write_file_tar(source.dir.get(), source.name, cut(request.container_path).name, sink);
}

}  // namespace strata
