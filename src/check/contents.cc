#include <algorithm>
#include <atomic>

#include "base/parallel.h"
#include "check/detail/checker.h"
#include "check/detail/contents_source.h"
#include "store/layer_reader.h"

namespace strata::detail {

Result<void> Checker::check_layer_contents(const WantedLayer& layer,
                                           std::atomic<std::int64_t>& bytes) const {
  TRY(read_layer(store_, info(layer), [&](std::string_view part) -> Result<void> {
    bytes += static_cast<std::int64_t>(part.size());
    return {};
  }));
  return compare_names(store_, info(layer));
}

/// The largest first, so that no core has the last one to itself for long.
std::vector<std::size_t> Checker::largest_first(
    const std::vector<const WantedLayer*>& layers) const {
  std::vector<std::pair<std::int64_t, std::size_t>> sizes;
  for (std::size_t i = 0; i < layers.size(); i++) {
    auto known = store_.layers().get(layers[i]->chain);
    sizes.emplace_back(known ? -known->size : 0, i);
  }
  std::sort(sizes.begin(), sizes.end());
  std::vector<std::size_t> order;
  for (const auto& [size, i] : sizes) order.push_back(i);
  return order;
}

/// All layers in parallel, as many as there are cores; the findings in the order of the layers.
Result<void> Checker::check_contents() {
  std::vector<const WantedLayer*> todo;
  for (const auto& layer : layers_)
    if (!layer.cache_id.empty() && !lost_.contains(layer.chain) &&
        !unreadable_.contains(layer.chain) && store_.layers().contains(layer.chain))
      todo.push_back(&layer);
  std::vector<Result<void>> results(todo.size());
  std::atomic<std::int64_t> bytes = 0;
  const auto order = largest_first(todo);
  TRY(for_each_index(todo.size(), processors(), [&](std::size_t i) -> Result<void> {
    results[order[i]] = check_layer_contents(*todo[order[i]], bytes);
    return {};  // damage of one layer is a finding, and the others are looked at too
  }));
  report_.bytes = bytes;
  for (std::size_t i = 0; i < todo.size(); i++)
    if (!results[i]) report_contents(*todo[i], results[i].error());
  return {};
}

/// A changed or lost file comes back from an equal one of another layer, or from the donor.
void Checker::report_contents(const WantedLayer& layer, const Error& error) {
  Finding finding{.path = "overlay2/" + layer.cache_id + "/diff",
                  .what = error.message(),
                  .images = names(layer)};
  auto source = find_contents(layer);
  if (source) {
    finding.remedy = source->remedy;
    if (!mend(std::move(finding), [&] { return replace_contents(layer, source->tar.get()); }))
      changed_.insert(layer.chain);
    return;
  }
  changed_.insert(layer.chain);
  finding.remedy = "remove the images concerned and load or pull them again";
  damage(std::move(finding));
}

}  // namespace strata::detail
