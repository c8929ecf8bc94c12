#include "build/committer.h"

#include <fmt/format.h>

#include "build/step_cache.h"

namespace strata::build {
std::string created_by(const RunConfig& container_config) {
  std::string text;
  if (!container_config.cmd) return text;
  for (const auto& word : *container_config.cmd) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::optional<ChainID> top_chain(const ImageConfig& config) {
  if (config.diff_ids.empty()) return std::nullopt;
  return chain_ids(config.diff_ids).back();
}

Committer::Committer(const Store& store, progress::Report& report, StageImage start,
                     std::optional<Time> epoch, Record record)
    : store_(store),
      report_(report),
      epoch_(epoch),
      record_(std::move(record)),
      image_(std::move(start)),
      chain_(top_chain(image_.config)),
      thread_([this](std::stop_token stop) { work(std::move(stop)); }) {}

Committer::~Committer() = default;

void Committer::add(Commit commit) {
  std::lock_guard lock(mutex_);
  if (error_) return;
  queue_.push_back(std::move(commit));
  changed_.notify_all();
}

Result<StageImage> Committer::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return error_ || (queue_.empty() && !busy_); });
  if (error_) return Error(error_->code(), error_->message());
  return image_;
}

std::optional<Committer::Top> Committer::top() {
  std::lock_guard lock(mutex_);
  if (error_ || busy_ || !queue_.empty()) return std::nullopt;
  return Top{chain_};
}

void Committer::work(std::stop_token stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
    Commit next = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    auto done = commit(next);
    lock.lock();
    busy_ = false;
    if (!done) {
      error_ = std::move(done).error();
      queue_.clear();
    }
    changed_.notify_all();
    if (error_) return;
  }
}

/// The step's layer, published; none if it has changed nothing.
Result<std::optional<LayerInfo>> Committer::take_layer(Commit& c) {
  if (c.reused) return c.reused;
  std::optional<LayerInfo> layer;
  if (c.layer) {
    auto sealed = TRY(c.layer->seal());
    if (!sealed.empty) layer = TRY(c.layer->publish(chain_));
    c.layer.reset();
  }
  StepCache steps(store_, epoch_);
  if (!c.material.empty()) {
    auto diff_id = layer ? std::optional(layer->diff_id) : std::nullopt;
    steps.put(c.material, chain_, diff_id);
    if (record_) record_({steps.key(c.material, chain_), chain_, diff_id});
  }
  if (!c.hint.empty()) steps.put(c.hint, chain_, std::nullopt);
  return layer;
}

Result<void> Committer::commit(Commit& c) {
  HistoryEntry entry;
  entry.author = c.author;
  entry.created_by = created_by(c.container_config);
  entry.empty_layer = true;
  ImageConfig next = image_.config;
  if (auto layer = TRY(take_layer(c))) {
    next.diff_ids.push_back(layer->diff_id);
    chain_ = layer->chain_id;
    entry.empty_layer = false;
  }
  entry.created = epoch_ ? *epoch_ : Time::now();
  next.created = entry.created;
  next.author = c.author;
  next.container.clear();
  next.comment.clear();
  next.docker_version.clear();
  next.history.push_back(std::move(entry));
  next.config = std::move(c.config);
  next.container_config = std::move(c.container_config);
  next.config.image = image_.id ? image_.id->str() : "";
  next.container_config->image = next.config.image;

  auto id = TRY(put_child_image(store_, encode_image_config(next), image_.id));
  image_ = {id, std::move(next)};
  if (c.step) report_.tell(progress::StepDone{*c.step, id});
  return {};
}

}  // namespace strata::build
