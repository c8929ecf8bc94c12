// How the files of a COPY differ from those of an earlier one: for --explain-cache.
#include <fmt/format.h>

#include <algorithm>

#include "base/io.h"
#include "build/copy_plan.h"
#include "build/layer_difference.h"

namespace strata::build {
namespace {

constexpr mode_t kModeBits = 07777;

std::string_view type_name(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a link";
  return S_ISREG(mode) ? "a file" : "a special file";
}

/// Of what the layer keeps of a file: content comes later.
template <class Meta>
std::string metadata_difference(const struct stat& was, const Meta& is) {
  if ((was.st_mode & S_IFMT) != (is.mode & S_IFMT))
    return fmt::format("was {}, is {}", type_name(was.st_mode), type_name(is.mode));
  if (!is.is_link() && (was.st_mode & kModeBits) != (is.mode & kModeBits))
    return fmt::format("mode was {:04o}, is {:04o}", was.st_mode & kModeBits, is.mode & kModeBits);
  if (was.st_uid != is.uid || was.st_gid != is.gid)
    return fmt::format("owner was {}:{}, is {}:{}", was.st_uid, was.st_gid, is.uid, is.gid);
  if (is.is_regular() && was.st_size != is.size)
    return fmt::format("content differs, size was {}, is {}", was.st_size, is.size);
  return "";
}

/// The first file below `layer` that `known` does not have.
template <class Known>
Result<std::string> find_unknown(int layer, const std::string& directory, const Known& known) {
  auto fd = TRY(open_dir(layer, directory.empty() ? "." : directory));
  auto names = TRY(list_dir(fd.get()));
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    auto path = directory.empty() ? name : directory + '/' + name;
    if (!known(path)) return path;
    if (!S_ISDIR(TRY(stat_at(fd.get(), name)).st_mode)) continue;
    if (auto found = TRY(find_unknown(layer, path, known)); !found.empty()) return found;
  }
  return std::string();
}

}  // namespace

Result<std::string> CopyPlan::content_difference(int layer, const std::string& path,
                                                 const Item& item) {
  const SourceFile& file = *item.from;
  if (file.is_link()) {
    auto was = TRY(read_link_at(layer, path));
    auto is = TRY(item.tree->read_link(file));
    return was == is ? std::string() : fmt::format("target was {}, is {}", was, is);
  }
  if (!file.is_regular()) return std::string();
  auto was = TRY(open_at(layer, path, O_RDONLY | O_NOFOLLOW));
  auto is = TRY(item.tree->open(file));
  return std::string(TRY(same_content(was.get(), is.get())) ? "" : "content differs");
}

Result<std::string> CopyPlan::first_difference(int layer) const {
  for (const auto& [path, item] : items_) {
    if (item.from == nullptr) continue;
    auto was = stat_at(layer, path);
    if (!was && was.error().code() != ErrorCode::NotFound) return std::move(was).error();
    std::string what = was ? metadata_difference(*was, item.meta) : "is new";
    if (what.empty()) what = TRY(content_difference(layer, path, item));
    if (!what.empty()) return fmt::format("{}: {}", item.from->path, what);
  }
  auto gone = TRY(find_unknown(layer, "", [&](const auto& path) { return items_.contains(path); }));
  return gone.empty() ? gone : fmt::format("/{}: is not copied any more", gone);
}

}  // namespace strata::build
