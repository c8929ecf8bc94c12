#include "build/layer_difference.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/byte_stream.h"
#include "base/io.h"
#include "base/text.h"
#include "fs/walk.h"
#include "fs/xattr.h"

namespace strata::build {
namespace {

constexpr std::size_t kDifferenceBlock = 65536;
constexpr std::size_t kMaxShown = 1000;  // files of one layer

using LayerFiles = std::map<std::string, struct stat>;

Result<LayerFiles> layer_files(int root) {
  LayerFiles files;
  TRY(walk_tree(root, [&](const WalkEntry& entry) -> Result<WalkStep> {
    files.emplace(entry.path, entry.st);
    return WalkStep::Enter;
  }));
  return files;
}

/// What overlayfs notes for itself counts for nothing but the mark of an opaque directory.
Result<std::vector<Xattr>> layer_xattrs(int root, const std::string& path) {
  auto fd = TRY(open_in_root(root, path, Resolve::NoLinks, O_PATH | O_NOFOLLOW));
  auto all = TRY(list_xattrs(fd.get(), ""));
  std::erase_if(all, [](const Xattr& x) {
    return x.first.starts_with("trusted.overlay.") && x.first != "trusted.overlay.opaque";
  });
  return all;
}

/// Both are of the same type.
Result<bool> same_bytes(int a, int b, const std::string& path, const struct stat& st) {
  if (S_ISLNK(st.st_mode)) {
    auto one = TRY(read_link_at(a, path));
    auto two = TRY(read_link_at(b, path));
    return one == two;
  }
  if (!S_ISREG(st.st_mode)) return true;
  auto left = TRY(open_in_root(a, path, Resolve::NoLinks, O_RDONLY | O_NOFOLLOW));
  auto right = TRY(open_in_root(b, path, Resolve::NoLinks, O_RDONLY | O_NOFOLLOW));
  return same_content(left.get(), right.get());
}

Result<std::vector<std::string>> compare_files(int a, int b, const std::string& path,
                                               const struct stat& one, const struct stat& two) {
  std::vector<std::string> what;
  if ((one.st_mode & S_IFMT) != (two.st_mode & S_IFMT) || one.st_rdev != two.st_rdev) {
    what.emplace_back("type");
    return what;
  }
  bool same = !S_ISREG(one.st_mode) || one.st_size == two.st_size;
  if (same) same = TRY(same_bytes(a, b, path, one));
  if (!same) what.emplace_back(S_ISLNK(one.st_mode) ? "target" : "content");
  if ((one.st_mode & 07777) != (two.st_mode & 07777)) what.emplace_back("mode");
  if (one.st_uid != two.st_uid || one.st_gid != two.st_gid) what.emplace_back("owner");
  if (one.st_mtim.tv_sec != two.st_mtim.tv_sec) what.emplace_back("mtime");
  if (S_ISLNK(one.st_mode)) return what;
  auto own = TRY(layer_xattrs(a, path));
  auto others = TRY(layer_xattrs(b, path));
  if (own != others) what.emplace_back("xattrs");
  return what;
}

/// The step that made each layer, bottom first, as the history has it.
std::vector<std::string> layer_steps(const ImageConfig& config) {
  std::vector<std::string> steps;
  for (const auto& entry : config.history)
    if (!entry.empty_layer) steps.push_back(entry.created_by);
  steps.resize(config.diff_ids.size());
  return steps;
}

void add_layer(ImageDifference& to, const std::vector<FileDifference>& files) {
  if (files.empty()) to.text += "  the order or the links of its files\n";
  for (std::size_t i = 0; i < std::min(files.size(), kMaxShown); i++)
    to.text += fmt::format("  {}: {}\n", files[i].path, join(files[i].what, ", "));
  if (files.size() > kMaxShown)
    to.text += fmt::format("  and {} more files\n", files.size() - kMaxShown);
  to.files += files.size();
}

}  // namespace

Result<bool> same_content(int a, int b) {
  FdSource left(a), right(b);
  std::array<char, kDifferenceBlock> one{}, two{};
  for (;;) {
    // A regular file gives less than what is asked for only at its end.
    std::size_t n = TRY(left.read(one));
    std::size_t m = TRY(right.read(two));
    if (n != m || !std::equal(one.begin(), one.begin() + n, two.begin())) return false;
    if (n == 0) return true;
  }
}

Result<std::vector<FileDifference>> compare_layers(int a, int b) {
  auto left = TRY(layer_files(a));
  auto right = TRY(layer_files(b));
  std::vector<FileDifference> found;
  auto add = [&](const std::string& path, std::vector<std::string> what) {
    if (!what.empty()) found.push_back({'/' + path, std::move(what)});
  };
  for (const auto& [path, st] : left) {
    std::vector<std::string> what = {"only in the first build"};
    auto other = right.find(path);
    if (other != right.end())
      what = TRY(compare_files(a, b, path, st, other->second).context("{}", path));
    add(path, std::move(what));
  }
  for (const auto& [path, st] : right)
    if (!left.contains(path)) add(path, {"only in the second build"});
  std::sort(found.begin(), found.end(),
            [](const auto& x, const auto& y) { return x.path < y.path; });
  return found;
}

Result<ImageDifference> compare_images(const Store& store, const ImageConfig& a,
                                       const ImageConfig& b) {
  ImageDifference difference;
  auto left = TRY(store.layers().stack(a.diff_ids));
  auto right = TRY(store.layers().stack(b.diff_ids));
  auto left_steps = layer_steps(a), right_steps = layer_steps(b);
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); i++) {
    bool both = i < left.size() && i < right.size();
    if (both && left[i].diff_id == right[i].diff_id) continue;
    const auto& step = i < left.size() ? left_steps[i] : right_steps[i];
    difference.layers++;
    difference.text += fmt::format("layer {}, {}:\n", i + 1, step);
    if (!both) {
      difference.text +=
          fmt::format("  only in the {} build\n", i < left.size() ? "first" : "second");
      continue;
    }
    auto one = TRY(store.caches().open_diff(left[i].cache_id));
    auto two = TRY(store.caches().open_diff(right[i].cache_id));
    auto files = TRY(compare_layers(one.get(), two.get()).context("layer {}", i + 1));
    add_layer(difference, files);
  }
  return difference;
}

}  // namespace strata::build
