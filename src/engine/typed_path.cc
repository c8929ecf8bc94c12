#include "engine/typed_path.h"

#include <fcntl.h>

#include "base/io.h"

namespace strata {
namespace {

constexpr int kMaxLinks = 10;  // docker's limit for links at the end of a path

}  // namespace

TypedPath TypedPath::cut(std::string path) {
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

Result<FoundFile> find_typed(int root, TypedPath path, bool follow) {
  for (int links = 0; links < kMaxLinks; ++links) {
    FoundFile found;
    found.dir = TRY(open_in_root(root, path.parent, Resolve::InRoot, O_RDONLY | O_DIRECTORY));
    found.name = path.name;
    auto st = stat_at(found.dir.get(), found.name);
    if (!st && st.error().code() != ErrorCode::NotFound) return std::move(st).error();
    if (!st) return found;
    found.st = *st;
    if (!S_ISLNK(st->st_mode) || !(follow || path.is_directory)) return found;
    auto target = TRY(read_link_at(found.dir.get(), found.name));
    auto next = TypedPath::cut(target.starts_with('/') ? target : path.parent + "/" + target);
    next.is_directory = path.is_directory;
    next.contents = path.contents;
    path = std::move(next);
  }
  return Error(ErrorCode::InvalidArgument, "too many links");
}

}  // namespace strata
