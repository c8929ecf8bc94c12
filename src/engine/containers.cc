#include "engine/containers.h"

#include "build/change.h"
#include "collect/remove_image.h"
#include "container/changes.h"
#include "container/commit.h"
#include "container/create.h"
#include "container/lookup.h"
#include "container/remove.h"
#include "engine/container_options.h"
#include "image/reference.h"

namespace strata {
namespace {

char letter(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Modified:
      return 'C';
    case ChangeKind::Added:
      return 'A';
    case ChangeKind::Deleted:
      return 'D';
  }
  return '?';
}

/// The image as it was after the `step`-th entry of its history: 1 is the oldest, -1 the newest.
/// Only what was built in this store has such images.
Result<ImageID> step_image(const Store& store, const std::string& name, std::int64_t step) {
  auto image = TRY(take_image(store, name));
  auto steps = static_cast<std::int64_t>(image.config.history.size());
  auto wanted = step < 0 ? steps + 1 + step : step;
  if (wanted < 1 || wanted > steps)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("no step {} in {}: its history has {}", step, name, steps));
  std::optional<ImageID> id = image.id;
  while (id) {
    auto at = TRY(store.images().get(*id));
    if (static_cast<std::int64_t>(at.config.history.size()) == wanted) return *id;
    id = store.images().parent(*id);
  }
  return Error(ErrorCode::NotFound,
               fmt::format("step {} of {} has no image of its own here: it was built elsewhere, or "
                           "the image has been removed",
                           step, name));
}

}  // namespace

Result<NewContainer> create_container(const EngineOptions& engine,
                                      const ContainerOptions& options) {
  auto request = TRY(parse_container_options(options));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  if (options.step) request.image = TRY(step_image(*store, options.image, *options.step)).str();
  auto created = TRY(create_container(*store, request));
  // One that goes with its run need not be there after a power cut.
  bool goes = options.starts_now && request.host.auto_remove;
  if (!engine.lazy && !goes) TRY(store->sync());
  return NewContainer{created.record.id, std::move(created.warnings)};
}

Result<void> remove_container(const EngineOptions& engine, std::string_view name, bool force,
                              bool volumes) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = TRY(find_container(*store, name));
  auto base = container_base(*store, record);
  TRY(remove_container(*store, record.id, {force, volumes}));
  // No sync: nothing was made that has to be there after a power cut (docs/decisions/0002).
  return release_base(*store, base);
}

Result<std::vector<std::pair<char, std::string>>> container_changes(const EngineOptions& engine,
                                                                    std::string_view name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto record = TRY(find_container(*store, name));
  std::vector<std::pair<char, std::string>> lines;
  auto changes = TRY(container_changes(*store, record.id));
  lines.reserve(changes.size());
  for (auto& change : changes) lines.emplace_back(letter(change.kind), std::move(change.path));
  return lines;
}

Result<ImageID> commit_container(const EngineOptions& engine,
                                 const CommitContainerRequest& request) {
  auto names = TRY(parse_optional_name(request.reference));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = TRY(find_container(*store, request.container));
  CommitRequest commit;
  commit.author = request.author;
  commit.comment = request.comment;
  commit.pause = request.pause;
  commit.change = [&](RunConfig& config) { return build::apply_changes(config, request.changes); };
  auto id = TRY(commit_container(*store, record, commit));
  TRY(sync_and_name(*store, names, id, Time::now(), engine.lazy));
  return id;
}

}  // namespace strata
