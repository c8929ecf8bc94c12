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

}  // namespace

Result<NewContainer> create_container(const EngineOptions& engine,
                                      const ContainerOptions& options) {
  auto request = TRY(parse_container_options(options));
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto created = TRY(create_container(*store, request));
  if (!engine.lazy) TRY(store->sync());
  return NewContainer{created.record.id, std::move(created.warnings)};
}

Result<void> remove_container(const EngineOptions& engine, std::string_view name, bool force,
                              bool volumes) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = TRY(find_container(*store, name));
  auto base = container_base(*store, record);
  TRY(remove_container(*store, record.id, {force, volumes}));
  TRY(release_base(*store, base));
  return engine.lazy ? Result<void>() : store->sync();
}

Result<std::vector<std::pair<char, std::string>>> container_changes(const EngineOptions& engine,
                                                                    std::string_view name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto record = TRY(find_container(*store, name));
  std::vector<std::pair<char, std::string>> lines;
  for (auto& change : TRY(container_changes(*store, record.id)))
    lines.emplace_back(letter(change.kind), std::move(change.path));
  return lines;
}

Result<ImageID> commit_container(const EngineOptions& engine,
                                 const CommitContainerRequest& request) {
  std::optional<Reference> reference;
  if (!request.reference.empty()) {
    reference = TRY(Reference::parse_normalized(request.reference)).with_default_tag();
    TRY(check_taggable(*reference));
  }
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto record = TRY(find_container(*store, request.container));
  CommitRequest commit;
  commit.author = request.author;
  commit.comment = request.comment;
  commit.pause = request.pause;
  commit.change = [&](RunConfig& config) { return build::apply_changes(config, request.changes); };
  auto id = TRY(commit_container(*store, record, commit));
  if (!engine.lazy) TRY(store->sync());
  if (reference) TRY(name_image(*store, *reference, id, Time::now()));
  return id;
}

}  // namespace strata
