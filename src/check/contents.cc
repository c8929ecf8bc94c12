#include <algorithm>
#include <atomic>
#include <thread>

#include "check/detail/checker.h"
#include "store/layer_reader.h"

namespace strata::detail {

/// All layers in parallel, as many as there are cores; the findings in the order of the layers.
Result<void> Checker::check_contents() {
  std::vector<const WantedLayer*> todo;
  for (const auto& layer : layers_)
    if (!layer.cache_id.empty() && !lost_.contains(layer.chain) &&
        !unreadable_.contains(layer.chain) && store_.layers().contains(layer.chain))
      todo.push_back(&layer);
  std::vector<Result<void>> results(todo.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::int64_t> bytes = 0;
  auto work = [&] {
    for (auto i = next++; i < todo.size(); i = next++)
      results[i] = read_layer(store_, info(*todo[i]), [&](std::string_view part) -> Result<void> {
        bytes += static_cast<std::int64_t>(part.size());
        return {};
      });
  };
  {
    std::vector<std::jthread> workers;
    auto count =
        std::min<std::size_t>(std::max(1U, std::thread::hardware_concurrency()), todo.size());
    for (std::size_t i = 0; i < count; i++) workers.emplace_back(work);
  }
  report_.bytes = bytes;
  for (std::size_t i = 0; i < todo.size(); i++)
    if (!results[i]) report_contents(*todo[i], results[i].error());
  return {};
}

void Checker::report_contents(const WantedLayer& layer, const Error& error) {
  damage({.path = "overlay2/" + layer.cache_id + "/diff",
          .what = error.message(),
          .remedy = "remove the images concerned and load or pull them again",
          .images = names(layer)});
}

}  // namespace strata::detail
