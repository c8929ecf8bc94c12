#include "build/stage.h"

#include <fmt/format.h>

#include "base/io.h"
#include "base/random_id.h"
#include "build/cache.h"
#include "build/epoch.h"
#include "build/step_cache.h"
#include "container/init_layer.h"
#include "image/platform.h"

namespace strata::build {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void add_default_path(RunConfig& config) {
  if (!config.env) config.env.emplace();
  if (!env_value(*config.env, "PATH")) config.env->push_back(std::string("PATH=") + kDefaultPath);
}

}  // namespace

Error requires_buildkit(std::string_view option) {
  return Error(ErrorCode::Unsupported,
               fmt::format("the {} option requires BuildKit. Refer to "
                           "https://docs.docker.com/go/buildkit/ to learn how to build images with "
                           "BuildKit enabled",
                           option));
}

Stage::Stage(BuildState& build, std::size_t index, progress::StepReport& output)
    : build_(build), index_(index), output_(output), caching_(!build.request.no_cache) {
  for (const auto& name : build.request.no_cache_stages)
    if (build.dockerfile.find_stage(name) == index) caching_ = false;
}

// --- FROM

Result<void> Stage::begin(const Instruction& instruction) {
  const auto& from = std::get<dockerfile::From>(instruction.value);
  auto global = [&](std::string_view name) { return build_.args.global(name); };
  std::string name = TRY(dockerfile::expand_word(from.image, build_.dockerfile.escape, global));
  if (name.empty())
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("base name ({}) should not be blank", from.image));

  bool named = build_.named.has(name);
  if (auto* files = TRY(named_files(name))) {
    start_from_scratch();
    return copy_context(*files);
  }
  auto stage = build_.dockerfile.stage_by_name(name, index_);
  if (named) {
    auto* context = TRY(build_.named.open(name));
    TRY(start_from_image(context->image, ""));
  } else if (stage) {
    TRY(start_from_stage(*build_.stages[*stage]));
  } else if (name == "scratch") {
    start_from_scratch();
    output_.done(std::nullopt);
    return {};
  } else {
    auto platform = TRY(dockerfile::expand_word(from.platform, build_.dockerfile.escape, global));
    TRY(start_from_image(name, platform));
  }
  auto triggers = config_.on_build.value_or(std::vector<std::string>());
  config_.on_build.reset();
  if (triggers.empty()) {
    output_.done(image_.id);
    return {};
  }
  return run_triggers(triggers);
}

Result<void> Stage::start_from_stage(const FinishedStage& stage) {
  image_ = stage.image;
  base_image_ = image_.id;
  args_ = stage.args;
  config_ = image_.config.config;
  author_ = image_.config.author;
  base_ = TRY(layer_base(build_.store, image_.config.diff_ids));
  chain_ = top_chain(image_.config);
  add_default_path(config_);
  return {};
}

/// One of the store, or of a registry.
Result<Image> Stage::find_image(const std::string& name, const std::string& platform) {
  const auto& request = build_.request;
  auto found = take_image(build_.store, name);
  if (!request.fetch_image) return found;
  if (!found && found.error().code() != ErrorCode::NotFound) return found;
  if (found && !request.pull) return found;
  std::lock_guard lock(build_.fetching);
  if (!request.pull) {
    found = take_image(build_.store, name);  // another stage may have been faster
    if (found) return found;
  }
  TRY(request.fetch_image(
      name, platform, [this](std::string_view text) { output_.write(text); }, build_.stop));
  return take_image(build_.store, name);
}

Result<void> Stage::start_from_image(const std::string& name, const std::string& platform) {
  auto reference = TRY(Reference::parse_normalized(name));
  auto found = find_image(name, platform);
  if (!found) {
    bool unknown = !build_.request.fetch_image && found.error().code() == ErrorCode::NotFound;
    if (!unknown) return std::move(found).error();
    return Error(ErrorCode::NotFound,
                 fmt::format("pull access denied for {}, repository does not exist or may require "
                             "'docker login': no such image in the store",
                             reference.familiar_name()));
  }
  Image& image = *found;
  image_ = {image.id, std::move(image.config)};
  base_image_ = image_.id;
  config_ = image_.config.config;
  config_.open_stdin = config_.stdin_once = false;
  author_ = image_.config.author;
  base_ = TRY(layer_base(build_.store, image_.config.diff_ids).context("image {}", name));
  chain_ = top_chain(image_.config);
  add_default_path(config_);
  return {};
}

void Stage::start_from_scratch() {
  const auto& host = host_platform();
  image_.config.architecture = host.architecture;
  image_.config.os = host.os;
  image_.config.variant = host.variant;
  add_default_path(config_);
}

Result<void> Stage::run_triggers(const std::vector<std::string>& triggers) {
  output_.write(fmt::format("# Executing {} build trigger{}\n", triggers.size(),
                            triggers.size() == 1 ? "" : "s"));
  in_trigger_ = true;
  for (const auto& text : triggers) {
    auto trigger = TRY(dockerfile::parse_trigger(text));
    TRY(step(trigger));
  }
  in_trigger_ = false;
  auto image = committer_ ? TRY(committer_->flush()) : image_;
  output_.done(image.id);
  return {};
}

// --- one step

Result<void> Stage::step(const Instruction& instruction) {
  if (build_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
  return std::visit([&](const auto& value) { return run(value); }, instruction.value);
}

Result<FinishedStage> Stage::finish() {
  if (committer_) image_ = TRY(committer_->flush());
  return FinishedStage{image_, args_, base_image_};
}

std::optional<std::string> Stage::variable(std::string_view name) const {
  if (auto arg = args_.get(name)) return arg;
  return config_.env ? env_value(*config_.env, name) : std::nullopt;
}

Result<std::string> Stage::expand(std::string_view word) const {
  return dockerfile::expand_word(word, build_.dockerfile.escape,
                                 [&](std::string_view name) { return variable(name); });
}

std::vector<std::string> Stage::shell() const {
  if (!config_.shell.empty()) return config_.shell;
  return {"/bin/sh", "-c"};
}

RunConfig Stage::nop_config(const std::string& text) const {
  RunConfig probe = config_;
  probe.cmd = shell();
  probe.cmd->push_back("#(nop) ");
  probe.cmd->push_back(text);
  if (!probe.labels) probe.labels.emplace();
  return probe;
}

RunConfig Stage::step_config(const std::string& text) const {
  RunConfig probe = config_;
  probe.cmd = shell();
  probe.cmd->push_back(text);
  return probe;
}

Result<void> Stage::add_label(const std::string& name, const std::string& value) {
  if (!config_.labels) config_.labels.emplace();
  (*config_.labels)[name] = value;
  return commit_config(fmt::format("LABEL {}={}", name, value));
}

Result<void> Stage::commit_config(const std::string& text) {
  auto probe = nop_config(text);
  if (TRY(look_up(probe))) return {};
  announce_container();
  announce_removal();
  return commit({.container_config = std::move(probe)});
}

void Stage::record(const std::string& material, const std::optional<ChainID>& parent,
                   const std::optional<DiffID>& layer) {
  if (!build_.request.record_steps || material.empty()) return;
  auto key = StepCache(build_.store, build_.epoch).key(material, parent);
  std::lock_guard lock(build_.mutex);
  build_.records.push_back({std::move(key), parent, layer});
}

Result<bool> Stage::look_up(const RunConfig& probe, const std::string& material) {
  miss_.reset();
  if (!may_look_up()) {
    TRY(explain(probe));
    return false;
  }
  auto hit = TRY(find_cached(build_.store, image_.id, probe, build_.epoch));
  if (!hit)
    hit = TRY(find_in_history(build_.store, build_.cache_sources, image_, {config_, probe},
                              build_.epoch));
  if (!hit || !TRY(hold_image(build_.store, *hit))) {
    TRY(explain(probe));
    missed_ = true;
    return false;
  }
  bool new_layers = hit->config.diff_ids != image_.config.diff_ids;
  record(material, chain_, new_layers ? std::optional(hit->config.diff_ids.back()) : std::nullopt);
  image_ = {hit->id, std::move(hit->config)};
  if (new_layers) {
    base_ = TRY(layer_base(build_.store, image_.config.diff_ids));
    chain_ = top_chain(image_.config);
    root_ = UniqueFd();
  }
  output_.cached();
  if (!in_trigger_) output_.done(image_.id);
  return true;
}

Result<void> Stage::explain(const RunConfig& probe) {
  if (!build_.request.explain_cache) return {};
  if (!caching_)
    miss_ = CacheMiss{"the cache was not to be used", {}};
  else if (missed_)
    miss_ = CacheMiss{"parent: a step before it was run anew", {}};
  else if (build_.epoch && TRY(find_cached(build_.store, image_.id, probe)))
    miss_ = CacheMiss{"SOURCE_DATE_EPOCH was another one, or none", {}};
  else
    miss_ = TRY(explain_miss(build_.store, image_.id, probe));
  return {};
}

void Stage::tell_miss() {
  if (miss_) output_.write(fmt::format(" ---> Not cached: {}\n", miss_->reason));
  miss_.reset();
}

void Stage::announce_container() {
  tell_miss();
  // No container stands behind the ID of a step: docker's lines want one.
  container_ = random_id().substr(0, 12);
  output_.container(container_);
}

void Stage::announce_removal() {
  if (build_.request.remove) output_.removed(container_);
}

Committer::Record Stage::recorder() {
  if (!build_.request.record_steps) return {};
  return [&build = build_](StepRecord record) {
    std::lock_guard lock(build.mutex);
    build.records.push_back(std::move(record));
  };
}

void Stage::start_committer() {
  if (committer_) return;
  committer_ =
      std::make_unique<Committer>(build_.store, output_.report(), image_, build_.epoch, recorder());
}

Result<void> Stage::commit(Commit c) {
  missed_ = true;
  start_committer();
  c.config = config_;
  c.author = author_;
  if (c.layer) chain_known_ = false;
  if (!in_trigger_) c.step = output_.step();
  committer_->add(std::move(c));
  if (base_.lowers.size() > LayerDB::kMaxDepth) TRY(settle());
  return {};
}

Result<void> Stage::settle() {
  if (!committer_) return {};
  auto image = TRY(committer_->flush());
  base_ = TRY(layer_base(build_.store, image.config.diff_ids));
  root_ = UniqueFd();
  return {};
}

bool Stage::know_chain() {
  if (chain_known_ || !committer_) return true;
  // COPY and WORKDIR have hashed while they wrote. What RUN wrote is only now being read.
  if (!reading_run_) (void)committer_->flush();
  auto top = committer_->top();
  if (!top) return false;
  reading_run_ = false;
  chain_ = top->chain;
  chain_known_ = true;
  return true;
}

Result<bool> Stage::reuse(const RunConfig& container_config, const std::string& material) {
  if (!caching_ || !know_chain()) return false;
  StepCache steps(build_.store, build_.epoch);
  auto hit = TRY(steps.find(material, chain_));
  if (!hit && build_.request.find_step) {
    auto found = build_.request.find_step(steps.key(material, chain_), chain_, build_.stop);
    if (build_.stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    if (!found) return false;
    steps.put(material, chain_, found->layer);
    hit = TRY(steps.find(material, chain_));
  }
  if (!hit) return false;
  record(material, chain_, hit->layer ? std::optional(hit->layer->diff_id) : std::nullopt);
  output_.cached();
  if (hit->layer) {
    if (base_.lowers.size() >= LayerDB::kMaxDepth) TRY(settle());
    if (base_.lowers.size() >= LayerDB::kMaxDepth)
      return Error(ErrorCode::InvalidArgument, "max depth exceeded");
    base_.lowers = TRY(build_.store.caches().stack(hit->layer->cache_id));
    chain_ = hit->layer->chain_id;
    root_ = UniqueFd();
    init_layer_.reset();
  }
  TRY(commit({.container_config = container_config, .reused = std::move(hit->layer)}));
  return true;
}

// --- the file system of the stage

Result<void> Stage::settle_times(const CacheDir& upper) const {
  return build_.epoch ? clamp_times(upper.diff(), *build_.epoch) : Result<void>();
}

Result<void> Stage::stand_on(const LayerWriter& layer) {
  if (base_.lowers.size() >= LayerDB::kMaxDepth) TRY(settle());
  auto cache = layer.cache();
  if (touches_init_layer(cache->diff())) init_layer_.reset();
  base_.lowers.insert(base_.lowers.begin(), cache->link());
  base_.pending.push_back(std::move(cache));
  root_ = UniqueFd();
  return {};
}

Result<int> Stage::root() {
  if (base_.lowers.empty()) return -1;
  if (!root_) root_ = TRY(mount_base(build_.store, base_));
  return root_.get();
}

Result<NamedContext*> Stage::named_files(const std::string& from) {
  NamedContext* none = nullptr;
  if (!build_.named.has(from)) return none;
  auto* named = TRY(build_.named.open(from));
  return named->image.empty() ? named : none;
}

Result<ImageRoot*> Stage::image_root(const std::string& from) {
  StageImage image;
  auto stage = build_.dockerfile.find_stage(from, index_);
  if (build_.named.has(from)) {
    const auto& name = TRY(build_.named.open(from))->image;
    auto found = TRY(take_image(build_.store, name).context("invalid from flag value {}", from));
    image = {found.id, std::move(found.config)};
  } else if (stage) {
    image = build_.stages[*stage]->image;
  } else {
    if (from.find_first_not_of("0123456789") == std::string::npos)
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("invalid from flag value {}: {}", from,
                               from == std::to_string(index_) ? "refers to current build stage"
                                                              : "index out of bounds"));
    auto found = TRY(find_image(from, "").context("invalid from flag value {}", from));
    image = {found.id, std::move(found.config)};
  }
  if (!image.id)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("invalid from flag value {}: the stage has no files", from));
  std::lock_guard lock(build_.mutex);
  ImageRoot& root = build_.roots[*image.id];
  if (!root.files) {
    root.base = TRY(layer_base(build_.store, image.config.diff_ids));
    root.root = root.base.lowers.empty() ? TRY(open_dir(AT_FDCWD, "/proc/self/fdinfo"))
                                         : TRY(mount_base(build_.store, root.base));
    root.files = std::make_unique<SourceTree>(root.root.get(), dockerfile::IgnoreMatcher());
    root.sums = std::make_unique<Tarsums>(*root.files, SumOwner::Real);
  }
  return &root;
}

}  // namespace strata::build
