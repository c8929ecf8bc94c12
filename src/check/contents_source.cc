#include "check/detail/contents_source.h"

#include <sys/stat.h>

#include <map>
#include <set>

#include "base/io.h"
#include "digest/hasher.h"
#include "fs/walk.h"
#include "fs/xattr.h"
#include "tar/crc64.h"
#include "tar/header.h"
#include "tar/split.h"

namespace strata::detail {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

/// What names a content without reading it.
using Content = std::pair<std::int64_t, std::uint64_t>;  // size, CRC
/// A file of some layer that should have it.
struct Place {
  std::string cache_id;
  std::string name;  // as in that layer's tar
};

Result<UniqueFd> open_file(int diff, const std::string& raw) {
  auto path = TRY(tar::clean_name(raw));
  return open_in_root(diff, path, Resolve::InRoot, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

bool is_content(int diff, const std::string& name, const Content& wanted) {
  auto file = open_file(diff, name);
  if (!file) return false;
  struct stat st = {};
  if (::fstat(file->get(), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != wanted.first)
    return false;
  std::vector<char> buffer(std::size_t{256} << 10);
  std::uint64_t crc = 0;
  while (true) {
    auto n = read_full(file->get(), buffer.data(), buffer.size());
    if (!n || *n == 0) return n && crc == wanted.second;
    crc = tar::crc64({buffer.data(), *n}, crc);
  }
}

/// Calls `use` for each file of the layer that has content.
Result<void> each_file(const Store& store, const LayerInfo& layer,
                       const std::function<void(const tar::SplitEntry&)>& use) {
  auto file = TRY(store.layers().open_split(layer.chain_id));
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  while (auto entry = TRY(split.next()))
    if (entry->kind == tar::SplitEntry::Kind::File) use(*entry);
  return {};
}

/// What the directory of a layer must have, from its tar.
struct Wanted {
  std::set<std::string> names;   // whiteouts without their mark
  std::set<std::string> opaque;  // directories that hide what is below them
};

Result<Wanted> wanted_names(const Store& store, const LayerInfo& layer) {
  Wanted wanted;
  TRY(each_file(store, layer, [&](const tar::SplitEntry& entry) {
    auto clean = tar::clean_name(entry.name);
    if (!clean || clean->empty()) return;
    auto slash = clean->rfind('/');
    auto base = slash == std::string::npos ? *clean : clean->substr(slash + 1);
    if (base == kOpaque) {  // a mark of its directory, which other entries may name
      wanted.opaque.insert(clean->substr(0, slash == std::string::npos ? 0 : slash));
      return;
    }
    if (base.starts_with(kWhiteout))
      wanted.names.insert(clean->substr(0, clean->size() - base.size()) +
                          base.substr(kWhiteout.size()));
    else
      wanted.names.insert(*std::move(clean));
  }));
  return wanted;
}

/// Marks with which overlayfs shows something else than the file: no layer has them. The contents
/// of a directory lie elsewhere; a file has only its metadata.
constexpr const char* kForeignMarks[] = {"trusted.overlay.redirect", "trusted.overlay.metacopy"};
constexpr const char* kOpaqueMark = "trusted.overlay.opaque";

Result<void> compare_marks(const WalkEntry& file, const Wanted& wanted) {
  bool is_opaque = S_ISDIR(file.st.st_mode) && wanted.opaque.contains(file.path);
  if (!S_ISDIR(file.st.st_mode) && !S_ISREG(file.st.st_mode)) return {};
  if (TRY(has_xattrs(file.dir, file.name))) {
    for (const char* mark : kForeignMarks)
      if (TRY(get_xattr(file.dir, file.name, mark)))
        return Error(ErrorCode::Corrupt, fmt::format("{} has the mark {}", file.path, mark));
    if (is_opaque && TRY(get_xattr(file.dir, file.name, kOpaqueMark))) return {};
  }
  if (is_opaque) return Error(ErrorCode::Corrupt, file.path + " has lost its mark " + kOpaqueMark);
  return {};
}

/// Directories that only stand above a name of the tar.
bool is_above(const std::set<std::string>& names, const std::string& path) {
  auto next = names.lower_bound(path + '/');
  return next != names.end() && next->starts_with(path + '/');
}

}  // namespace

Result<void> compare_names(const Store& store, const LayerInfo& layer) {
  auto wanted = TRY(wanted_names(store, layer));
  const auto& names = wanted.names;
  auto diff = TRY(store.caches().open_diff(layer.cache_id));
  auto missing = names;
  std::string extra;
  auto compare = [&](const WalkEntry& file) -> Result<WalkStep> {
    missing.erase(file.path);
    if (extra.empty() && !names.contains(file.path) &&
        !(S_ISDIR(file.st.st_mode) && is_above(names, file.path)))
      extra = file.path;
    TRY(compare_marks(file, wanted));
    return WalkStep::Enter;
  };
  TRY(walk_tree(diff.get(), compare));
  if (!extra.empty()) return Error(ErrorCode::Corrupt, extra + " is not in the layer's tar");
  // A tar may replace a directory by a file, or name what a later whiteout takes away.
  for (const auto& name : missing) {
    auto slash = name.rfind('/');
    auto parent = slash == std::string::npos ? "." : name.substr(0, slash);
    auto st = stat_at(diff.get(), parent);
    if (!st || S_ISDIR(st->st_mode)) return Error(ErrorCode::Corrupt, name + " is missing");
  }
  return {};
}

Result<std::size_t> assemble_from_others(const Store& store, const LayerInfo& layer,
                                         const std::vector<LayerInfo>& others, int out) {
  auto diff = TRY(store.caches().open_diff(layer.cache_id));
  std::map<std::string, Content> lost;  // by their raw names
  TRY(each_file(store, layer, [&](const tar::SplitEntry& e) {
    if (e.size > 0 && !is_content(diff.get(), e.name, {e.size, e.crc}))
      lost[e.name] = {e.size, e.crc};
  }));
  std::set<Content> wanted;
  for (const auto& [name, content] : lost) wanted.insert(content);
  std::map<Content, Place> found;
  for (const auto& other : others) {
    if (found.size() == wanted.size()) break;
    auto there = store.caches().open_diff(other.cache_id);
    if (!there || other.chain_id == layer.chain_id) continue;
    (void)each_file(store, other, [&](const tar::SplitEntry& e) {
      Content content{e.size, e.crc};
      if (wanted.contains(content) && !found.contains(content) &&
          is_content(there->get(), e.name, content))
        found[content] = {other.cache_id, e.name};
    });
  }
  Hasher hasher;
  auto file = TRY(store.layers().open_split(layer.chain_id));
  FdSource compressed(file.get());
  tar::SplitReader split(compressed);
  auto open = [&](const std::string& name) -> Result<UniqueFd> {
    auto is_lost = lost.find(name);
    if (is_lost == lost.end()) return open_file(diff.get(), name);
    auto place = found.find(is_lost->second);
    if (place == found.end()) return Error(ErrorCode::Corrupt, name + " is lost");
    auto there = TRY(store.caches().open_diff(place->second.cache_id));
    return open_file(there.get(), place->second.name);
  };
  TRY(tar::assemble(split, open, [&](std::string_view bytes) -> Result<void> {
    hasher.update(bytes);
    return write_all(out, bytes);
  }));
  // Equal by CRC is not yet equal.
  if (hasher.finish() != layer.diff_id.digest()) return Error(ErrorCode::Corrupt, "another digest");
  return lost.size();
}

}  // namespace strata::detail
