// WORKDIR, which makes a directory that the image does not have.
#include "base/text.h"
#include "build/copy_plan.h"
#include "build/paths.h"
#include "build/stage.h"
#include "build/step_cache.h"
#include "runtime/user.h"

namespace strata::build {

Result<void> Stage::run(const dockerfile::Workdir& v) {
  auto path = TRY(expand(v.path));
  if (path.empty()) return Error(ErrorCode::InvalidArgument, "cannot normalize nothing");
  // An absolute one stays as it is written, "/a//b/" too; docker's cache knows it so.
  if (!path.starts_with('/')) {
    path = absolute_path(config_.working_dir.empty() ? "/" : config_.working_dir, path);
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  }
  config_.working_dir = path;
  std::string text = "#(nop) WORKDIR " + config_.working_dir;
  auto probe = step_config(text);
  if (!probe.labels) probe.labels.emplace();
  auto material = StepCache::material({"workdir", config_.working_dir, config_.user});
  if (TRY(look_up(probe, material))) return {};
  if (TRY(reuse(probe, material))) return {};

  std::optional<LayerWriter> layer;
  if (!has_just_come(config_.working_dir)) layer = TRY(make_directory(config_.working_dir));
  announce_container();
  announce_removal();
  return commit({.container_config = std::move(probe),
                 .layer = std::move(layer),
                 .material = std::move(material)});
}

/// Whether the step before has laid it down: then nobody need mount the image to know that it is
/// there.
bool Stage::has_just_come(const std::string& directory) const {
  if (!config_.user.empty()) return false;  // whom the image must have
  if (base_.pending.empty() || base_.pending.back()->link() != base_.lowers.front()) return false;
  std::string path(strip_front(directory));
  return open_in_root(base_.pending.back()->diff(), path.empty() ? "." : path, Resolve::NoLinks,
                      O_PATH | O_DIRECTORY)
      .has_value();
}

/// None if the image has it. With those above it, for USER.
Result<std::optional<LayerWriter>> Stage::make_directory(const std::string& path) {
  int image = TRY(root());
  Owner owner;
  if (image >= 0 && !config_.user.empty()) {
    auto user = TRY(resolve_user(image, config_.user));
    owner = {user.uid, user.gid};
  }
  CopyRules rules;
  rules.time = build_.epoch;
  CopyPlan plan(image, rules);
  if (!TRY(plan.add_directory(path, owner))) return std::optional<LayerWriter>();
  auto layer = TRY(LayerWriter::create(build_.store, base_, {}));
  TRY(plan.write(layer, {}, {}, build_.stop).context("WORKDIR {}", path));
  TRY(stand_on(layer));
  return std::optional(std::move(layer));
}

}  // namespace strata::build
