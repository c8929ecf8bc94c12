#include "store/detail/layer_children.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "base/io.h"
#include "store/detail/layer_fields.h"

namespace strata::detail {
namespace {

Digest key_of(const std::optional<ChainID>& parent) { return parent ? parent->digest() : Digest(); }

Time changed_at(const struct stat& st) {
  return {st.st_mtim.tv_sec, static_cast<std::int32_t>(st.st_mtim.tv_nsec)};
}

}  // namespace

Result<std::vector<ChainID>> LayerChildren::on(int layers, const std::optional<ChainID>& parent) {
  std::lock_guard guard(mutex_);
  if (!has_looked_) TRY(look(layers));
  has_looked_ = true;
  auto found = children_.find(key_of(parent));
  std::vector<ChainID> ids;
  if (found == children_.end()) return ids;
  auto& children = found->second;
  std::stable_sort(children.begin(), children.end(),
                   [](const Child& a, const Child& b) { return a.made > b.made; });
  for (const auto& child : children) ids.push_back(child.id);
  return ids;
}

void LayerChildren::add(const std::optional<ChainID>& parent, ChainID id) {
  std::lock_guard guard(mutex_);
  if (has_looked_) children_[key_of(parent)].push_back({id, Time::now()});
}

/// One small file of each layer is read; a bottom layer has none.
Result<void> LayerChildren::look(int layers) {
  for (const auto& name : TRY(list_dir(layers))) {
    auto id = Digest::parse("sha256:" + name);
    if (!id) continue;
    auto parent = read_parent(layers, name + "/parent");
    if (!parent) continue;
    auto st = stat_at(layers, *parent ? name + "/parent" : name);
    if (st) children_[key_of(*parent)].push_back({ChainID(*id), changed_at(*st)});
  }
  return {};
}

}  // namespace strata::detail
