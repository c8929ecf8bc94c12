#include "fs/merged_dir.h"

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "fs/whiteout.h"
#include "fs/xattr.h"

namespace strata {
namespace {

constexpr const char* kRedirectXattr = "trusted.overlay.redirect";

/// Whether the directory hides those of the layers below.
Result<bool> hides_lower(int dir, const std::string& path) {
  if (path.empty() || !TRY(has_xattrs(dir, ""))) return false;  // of the root no mark counts
  if (TRY(get_xattr(dir, "", kRedirectXattr)))
    return Error(ErrorCode::Unsupported, path + ": moved by overlayfs");
  return is_opaque(dir, "");
}

}  // namespace

Result<MergedDir> MergedDir::open(const Layers& layers, const std::string& path) {
  MergedDir merged;
  for (int layer : layers) {
    auto dir =
        open_in_root(layer, path.empty() ? "." : path, Resolve::NoLinks, O_RDONLY | O_DIRECTORY);
    if (!dir) {
      int error = dir.error().sys_errno();
      if (error == ENOENT) continue;
      if (error == ENOTDIR || error == ELOOP) break;  // whatever it is hides what is below
      return std::move(dir).error();
    }
    merged.layers_.push_back(layer);
    merged.dirs_.push_back(*std::move(dir));
    if (TRY(hides_lower(merged.dirs_.back().get(), path))) break;
  }
  return merged;
}

Result<std::optional<MergedDir::Found>> MergedDir::find(const std::string& name) const {
  for (const auto& dir : dirs_) {
    Found found = {{}, dir.get()};
    if (::fstatat(dir.get(), name.c_str(), &found.st, AT_SYMLINK_NOFOLLOW) == 0) {
      if (is_whiteout(found.st)) break;
      return std::optional(found);
    }
    if (errno != ENOENT) return Error::from_errno(errno, "lstat " + name);
  }
  return std::optional<Found>();
}

Result<std::vector<std::string>> MergedDir::names() const {
  std::vector<std::string> all;
  for (const auto& dir : dirs_)
    for (auto& name : TRY(list_dir(dir.get()))) all.push_back(std::move(name));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<std::string> shown;
  for (auto& name : all)
    if (TRY(find(name))) shown.push_back(std::move(name));
  return shown;
}

}  // namespace strata
