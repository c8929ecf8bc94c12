#include "inspect/layer_stack.h"

#include <algorithm>
#include <map>
#include <set>

#include "fs/walk.h"

namespace strata {
namespace {

constexpr std::int64_t kBlockSize = 512;  // bytes, of st_blocks

Result<void> measure(const Store& store, LayerRow& row) {
  auto diff = TRY(store.caches().open_diff(row.layer.cache_id));
  std::map<ino_t, nlink_t> links;  // names of an inode inside this layer
  std::map<ino_t, struct stat> linked;
  TRY(walk_tree(diff.get(), [&](const WalkEntry& e) -> Result<WalkStep> {
    if (S_ISDIR(e.st.st_mode)) {
      row.disk_bytes += e.st.st_blocks * kBlockSize;
      return WalkStep::Enter;
    }
    row.files++;
    if (e.st.st_nlink > 1 && ++links[e.st.st_ino] > 1) return WalkStep::Skip;
    row.disk_bytes += e.st.st_blocks * kBlockSize;
    if (e.st.st_nlink > 1) linked[e.st.st_ino] = e.st;
    return WalkStep::Skip;
  }));
  for (const auto& [inode, st] : linked)
    if (st.st_nlink > links[inode]) row.linked_bytes += st.st_blocks * kBlockSize;
  return {};
}

/// Which other images stand on each layer of `image`.
Result<std::vector<std::vector<std::string>>> sharers(const Store& store, const Image& image) {
  auto repositories = TRY(store.references().load());
  auto names = references_by_image(repositories);
  std::set<ImageID> parents;
  std::map<ImageID, std::vector<DiffID>> others;
  for (const auto& id : TRY(store.images().list())) {
    if (auto parent = store.images().parent(id)) parents.insert(*parent);
    if (id == image.id) continue;
    if (auto other = store.images().get(id)) others[id] = std::move(other->config.diff_ids);
  }
  std::vector<std::vector<std::string>> out(image.config.diff_ids.size());
  for (const auto& [id, diff_ids] : others) {
    auto known = names.find(id);
    if (known == names.end() && parents.contains(id)) continue;  // a step of a build
    auto same = std::mismatch(diff_ids.begin(), diff_ids.end(), image.config.diff_ids.begin(),
                              image.config.diff_ids.end());
    auto depth = static_cast<std::size_t>(same.first - diff_ids.begin());
    for (std::size_t i = 0; i < depth; i++) {
      if (known == names.end())
        out[i].push_back(id.digest().hex().substr(0, 12));
      else
        out[i].insert(out[i].end(), known->second.begin(), known->second.end());
    }
  }
  for (auto& list : out) std::sort(list.begin(), list.end());
  return out;
}

}  // namespace

Result<std::vector<LayerRow>> image_layers(const Store& store, const Image& image) {
  auto stack = TRY(store.layers().stack(image.config.diff_ids));
  auto shared = TRY(sharers(store, image));
  std::vector<std::string> steps;
  for (const auto& entry : image.config.history)
    if (!entry.empty_layer)
      steps.push_back(entry.created_by.empty() ? entry.comment : entry.created_by);
  std::vector<LayerRow> rows;
  for (std::size_t i = 0; i < stack.size(); i++) {
    LayerRow row;
    row.layer = stack[i];
    row.directory = fmt::format("{}/overlay2/{}/diff", store.path(), stack[i].cache_id);
    if (i < steps.size()) row.created_by = steps[i];
    row.shared_by = std::move(shared[i]);
    TRY(measure(store, row));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace strata
