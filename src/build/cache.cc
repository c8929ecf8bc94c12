#include "build/cache.h"

#include <algorithm>

namespace strata::build {
namespace {

template <class T>
std::size_t count(const std::optional<T>& v) {
  return v ? v->size() : 0;
}

/// null and empty are the same step.
template <class T>
bool same(const std::optional<T>& a, const std::optional<T>& b) {
  return count(a) == count(b) && (count(a) == 0 || *a == *b);
}

}  // namespace

bool same_step(const RunConfig& a, const RunConfig& b) {
  return !a.open_stdin && !b.open_stdin && a.attach_stdout == b.attach_stdout &&
         a.attach_stderr == b.attach_stderr && a.user == b.user && a.tty == b.tty &&
         same(a.cmd, b.cmd) && same(a.env, b.env) && same(a.labels, b.labels) &&
         a.exposed_ports == b.exposed_ports && same(a.entrypoint, b.entrypoint) &&
         same(a.volumes, b.volumes) && a.shell == b.shell && same(a.on_build, b.on_build);
}

Result<std::optional<Image>> find_cached(const Store& store, const std::optional<ImageID>& parent,
                                         const RunConfig& probe) {
  std::optional<Image> best;
  for (const auto& id : TRY(store.images().children(parent))) {
    auto image = store.images().get(id);
    if (!image) continue;  // damaged or just removed: no hit
    if (!image->config.container_config || !same_step(*image->config.container_config, probe))
      continue;
    if (best && best->config.created >= image->config.created) continue;
    // An image whose layers are gone cannot be stood on.
    if (!store.layers().stack(image->config.diff_ids)) continue;
    best = *std::move(image);
  }
  return best;
}

Result<bool> has_step_like(const Store& store, const std::optional<ImageID>& parent,
                           std::string_view front, std::string_view back) {
  for (const auto& id : TRY(store.images().children(parent))) {
    auto image = store.images().get(id);
    if (!image || !image->config.container_config || !image->config.container_config->cmd) continue;
    const auto& words = *image->config.container_config->cmd;
    if (!words.empty() && words.back().starts_with(front) && words.back().ends_with(back))
      return true;
  }
  return false;
}

}  // namespace strata::build
