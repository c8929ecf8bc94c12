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

/// The longest part of a step's text that every writer of JSON puts into a config as it is: a
/// config without it is none of the same step.
std::string_view telltale(const RunConfig& probe) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.:,=()";
  std::string_view longest;
  if (count(probe.cmd) == 0) return longest;
  std::string_view text = probe.cmd->back();
  while (!text.empty()) {
    auto run = text.substr(0, std::min(text.find_first_not_of(kPlain), text.size()));
    if (run.size() > longest.size()) longest = run;
    text.remove_prefix(std::min(run.size() + 1, text.size()));
  }
  return longest;
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
                                         const RunConfig& probe, const std::optional<Time>& epoch) {
  std::optional<Image> best;
  for (const auto& id : TRY(store.images().children(parent, telltale(probe)))) {
    auto image = store.images().get(id);
    if (!image) continue;  // damaged or just removed: no hit
    if (!image->config.container_config || !same_step(*image->config.container_config, probe))
      continue;
    if (epoch && image->config.created != *epoch) continue;
    if (best && best->config.created >= image->config.created) continue;
    // An image whose layers are gone cannot be stood on.
    if (!store.layers().stack(image->config.diff_ids)) continue;
    best = *std::move(image);
  }
  return best;
}

namespace {

/// Whether `source` has all layers and steps of `at`, and at least one step more.
bool continues(const ImageConfig& source, const ImageConfig& at) {
  return source.history.size() > at.history.size() &&
         source.diff_ids.size() >= at.diff_ids.size() &&
         std::equal(at.history.begin(), at.history.end(), source.history.begin()) &&
         std::equal(at.diff_ids.begin(), at.diff_ids.end(), source.diff_ids.begin());
}

}  // namespace

Result<std::optional<Image>> find_in_history(const Store& store, std::span<const Image> sources,
                                             const StageImage& at, const StepConfigs& step,
                                             const std::optional<Time>& epoch) {
  for (const auto& source : sources) {
    std::size_t done = at.config.history.size();
    if (!continues(source.config, at.config)) continue;
    const auto& entry = source.config.history[done];
    if (entry.created_by != created_by(step.container)) continue;
    if (epoch && entry.created != *epoch) continue;
    std::size_t layers = at.config.diff_ids.size() + (entry.empty_layer ? 0 : 1);
    if (layers > source.config.diff_ids.size()) continue;
    if (done + 1 == source.config.history.size()) return std::optional(source);

    ImageConfig config = at.config;
    config.config = step.image;
    config.container_config = step.container;
    config.config.image = at.id ? at.id->str() : "";
    config.container_config->image = config.config.image;
    config.history.push_back(entry);
    config.diff_ids.assign(source.config.diff_ids.begin(),
                           source.config.diff_ids.begin() + static_cast<std::ptrdiff_t>(layers));
    config.created = entry.created;
    config.author = entry.author;
    config.container.clear();
    config.comment.clear();
    config.docker_version.clear();
    auto bytes = encode_image_config(config);
    auto id = TRY(put_child_image(store, bytes, at.id));
    return std::optional(Image{id, std::move(bytes), std::move(config)});
  }
  return std::optional<Image>();
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
