#include "engine/archives.h"

#include "archive/contents.h"
#include "archive/load.h"
#include "archive/members.h"
#include "archive/save.h"
#include "image/platform.h"
#include "store/store.h"

namespace strata {
namespace {

archive::Form form_of(SaveRequest::Form form) {
  switch (form) {
    case SaveRequest::Form::DockerArchive:
      return archive::Form::DockerArchive;
    case SaveRequest::Form::Oci:
      return archive::Form::Oci;
    case SaveRequest::Form::Docker:
      break;
  }
  return archive::Form::Docker;
}

Result<archive::SaveOptions> save_options(const EngineOptions& engine, const SaveRequest& request,
                                          const Store& store) {
  archive::SaveOptions options;
  options.form = form_of(request.form);
  options.stop = engine.stop;
  options.progress = request.progress;
  if (request.since.empty()) return options;
  auto id = TRY(resolve_image(store, request.since));
  auto image = TRY(store.images().get(id));
  for (auto chain : chain_ids(image.config.diff_ids)) options.left_out.insert(chain);
  return options;
}

Result<std::vector<LoadedImage>> load_into(const Store& store, const EngineOptions& engine,
                                           const LoadRequest& request, UniqueFd source) {
  auto members =
      TRY(archive::open_members(std::move(source), store.own_dir(), engine.stop, request.copied));
  auto images = TRY(archive::read_contents(*members, host_platform()));
  archive::LoadOptions options;
  options.lazy = engine.lazy;
  options.stop = engine.stop;
  options.progress = request.progress;
  options.max_layer_size = request.max_layer_size;
  std::vector<LoadedImage> result;
  for (auto& loaded : TRY(archive::load_images(store, *members, images, options))) {
    LoadedImage image;
    image.id = loaded.id;
    for (const auto& name : loaded.names) image.names.push_back(name.familiar());
    for (const auto& [name, id] : loaded.renamed) image.renamed.emplace_back(name.familiar(), id);
    result.push_back(std::move(image));
  }
  return result;
}

}  // namespace

Result<void> save_images(const EngineOptions& engine, const SaveRequest& request,
                         const ByteSink& sink) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto images = TRY(archive::select_images(*store, request.images));
  auto options = TRY(save_options(engine, request, *store));
  return archive::save_tar(*store, images, options, sink);
}

Result<void> save_images_into(const EngineOptions& engine, const SaveRequest& request, int dir) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto images = TRY(archive::select_images(*store, request.images));
  auto options = TRY(save_options(engine, request, *store));
  return archive::save_directory(*store, images, options, dir);
}

Result<std::vector<LoadedImage>> load_images(const EngineOptions& engine,
                                             const LoadRequest& request, UniqueFd source) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  return load_into(*store, engine, request, std::move(source))
      .context("load {}", request.source_name);
}

}  // namespace strata
