#include "container/commit.h"

#include "container/create.h"
#include "container/liveness.h"
#include "container/running.h"
#include "digest/digest.h"
#include "image/platform.h"
#include "store/layer_writer.h"

namespace strata {
namespace {

/// The image the container stands on; nullopt if the record names none.
Result<std::optional<Image>> base_image(const Store& store, const ContainerRecord& record) {
  if (record.image.empty()) return std::optional<Image>();
  auto digest = TRY(Digest::parse(record.image));
  auto image = store.images().get(ImageID(digest));
  if (!image && image.error().code() == ErrorCode::NotFound)  // docker's words
    return Error(ErrorCode::NotFound, "No such image: " + record.image);
  return std::optional<Image>(TRY(std::move(image)));
}

/// The writable layer as a layer on those of `parent`; nullopt if nothing was changed.
Result<std::optional<DiffID>> commit_layer(const Store& store, const ContainerRecord& record,
                                           bool pause, const std::vector<DiffID>& parent) {
  auto mount = TRY(store.layers().mount(record.id));
  auto upper = TRY(store.caches().open_diff(mount.mount_id));
  std::optional<ChainID> chain;
  if (!parent.empty()) chain = chain_ids(parent).back();
  auto base = TRY(layer_base(store, parent));
  auto siblings = TRY(find_siblings(store, chain));
  auto layer = TRY(LayerWriter::create(store, base, std::move(siblings)));
  {
    std::optional<PausedContainer> paused;
    if (pause && is_running(store, record) && !record.state.paused)
      if (auto held = PausedContainer::pause(store, record)) paused.emplace(*std::move(held));
    TRY(layer.add_upper(upper.get()));
  }
  auto sealed = TRY(layer.seal());
  if (sealed.empty) return std::optional<DiffID>();
  TRY(layer.publish(chain));
  return std::optional<DiffID>(sealed.diff_id);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// docker's image.NewChildImage: what a child keeps of its parent, and what it gets from a
/// container.
ImageConfig child_config(const ImageConfig& parent, const ContainerRecord& record,
                         const CommitRequest& request, RunConfig config,
                         const std::optional<DiffID>& diff_id) {
  ImageConfig child;
  child.architecture =
      parent.architecture.empty() ? host_platform().architecture : parent.architecture;
  child.variant = parent.variant;
  child.os = record.os.empty() ? "linux" : record.os;
  child.os_version = parent.os_version;
  child.os_features = parent.os_features;
  child.author = request.author;
  child.config = std::move(config);
  child.container = record.id;
  child.container_config = record.config;
  child.created = Time::now();
  child.history = parent.history;
  child.diff_ids = parent.diff_ids;
  HistoryEntry entry;
  entry.created = child.created;
  entry.author = request.author;
  entry.comment = request.comment;
  if (record.config.cmd) entry.created_by = joined(*record.config.cmd);
  entry.empty_layer = !diff_id;
  child.history.push_back(std::move(entry));
  if (diff_id) child.diff_ids.push_back(*diff_id);
  return child;
}

}  // namespace

Result<ImageID> commit_container(const Store& store, const ContainerRecord& record,
                                 const CommitRequest& request) {
  auto base = TRY(base_image(store, record));
  RunConfig config = record.config;
  if (request.change) TRY(request.change(config));
  config = merge_run_config(config, record.config);

  const ImageConfig none;
  const auto& parent = base ? base->config : none;
  auto diff_id = commit_layer(store, record, request.pause, parent.diff_ids);
  // Whoever is removing it takes its mount away first, then its files and what it stood on.
  if (!diff_id && !store.layers().mount(record.id))
    return Error(ErrorCode::NotFound, "No such container: " + record.id);
  auto child = child_config(parent, record, request, std::move(config),
                            TRY(std::move(diff_id).context("commit {}", record.id)));
  return put_child_image(store, encode_image_config(child),
                         base ? std::optional(base->id) : std::nullopt);
}

}  // namespace strata
