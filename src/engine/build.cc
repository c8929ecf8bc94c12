#include "engine/build.h"

#include <algorithm>
#include <functional>

#include "archive/save.h"
#include "base/temp_dir.h"
#include "base/text.h"
#include "build/build.h"
#include "build/named_context.h"
#include "build/squash.h"
#include "engine/build_cache.h"
#include "engine/build_log.h"
#include "engine/build_request.h"
#include "engine/pull_into.h"
#include "engine/push_into.h"
#include "engine/shared_cache.h"
#include "image/reference.h"
#include "registry/manifest.h"
#include "store/layer_writer.h"
#include "store/tree_tar.h"
#include "store/write_behind.h"

namespace strata {
namespace {

/// FROM of an image that is not there. Each state of the pull is a line of the build's output.
build::BuildRequest::FetchImage fetch_image(const EngineOptions& engine, const Store& store,
                                            const BuildImageRequest& request) {
  return [&engine, &store, &request](const std::string& name, const std::string& platform,
                                     const std::function<void(std::string_view)>& output,
                                     const std::stop_token& stop) -> Result<void> {
    PullRequest pull;
    pull.reference = name;
    pull.platform = platform.empty() ? request.platform : platform;
    pull.max_layer_size = request.max_layer_size;
    pull.access = request.registries;
    EngineOptions options = engine;
    options.stop = stop;
    TRY(pull_into(store, options, pull, [&](const TransferEvent& event) {
      if (event.total == 0)
        output(event.id.empty() ? event.status + '\n'
                                : fmt::format("{}: {}\n", event.id, event.status));
    }));
    return {};
  };
}

/// The names of an output: its own, else those of -t.
Result<std::vector<Reference>> output_names(const BuildOutput& output,
                                            const std::vector<Reference>& tags) {
  return output.names.empty() ? tags : TRY(parse_tags(output.names));
}

/// --cache-from and --cache-to, read.
struct Caches {
  std::vector<CacheSource> sources;
  std::vector<CacheTarget> targets;

  /// What a manifest tells of the steps; nothing without type=inline.
  std::vector<transfer::InlineStep> steps_inline(const std::vector<build::StepRecord>& steps,
                                                 const ImageConfig& image) const {
    for (const auto& target : targets)
      if (target.type == CacheTarget::Type::Inline) return inline_steps(steps, image);
    return {};
  }
};

Result<Caches> parse_caches(const BuildImageRequest& request) {
  Caches caches;
  for (const auto& text : request.cache_from) {
    auto source = TRY(parse_cache_source(text));
    caches.sources.push_back(std::move(source));
  }
  for (const auto& text : request.cache_to) {
    auto target = TRY(parse_cache_target(text));
    caches.targets.push_back(std::move(target));
  }
  return caches;
}

/// The outputs that a registry gets. The names are the store's by now.
Result<void> push_outputs(const EngineOptions& engine, const Store& store,
                          const BuildImageRequest& request, const std::vector<Reference>& tags,
                          const std::vector<transfer::InlineStep>& steps, progress::Report& report,
                          BuildImageResult& result) {
  auto tell = [&report](const TransferEvent& event) {
    if (event.total != 0) return;
    report.tell(progress::ActionNote{
        event.id.empty() ? event.status : fmt::format("{}: {}", event.id, event.status)});
  };
  for (const auto& output : request.outputs) {
    if (!output.push) continue;
    auto access = request.registries;
    if (output.push->insecure) access.tls_verify = false;
    for (const auto& name : TRY(output_names(output, tags))) {
      report.tell(progress::ActionStarted{"pushing " + name.familiar()});
      tell({"", fmt::format("The push refers to repository [{}]", name.name())});
      auto pushed =
          TRY(push_one(store, engine, {name, output.push->form, output.push->by_digest, steps},
                       access, tell)
                  .context("failed to push {}", name.familiar()));
      tell(
          {"", fmt::format("{}: digest: {} size: {}", name.tag, pushed.digest.str(), pushed.size)});
      report.tell(progress::ActionDone{});
      result.manifest = {pushed.digest.str(), pushed.size, pushed.media_type};
    }
  }
  return {};
}

/// What is pushed has a name; buildx's words.
Result<void> check_pushes(const BuildImageRequest& request) {
  for (const auto& output : request.outputs)
    if (output.push && output.names.empty() && request.tags.empty())
      return Error(ErrorCode::InvalidArgument, "tag is needed when pushing to registry");
  return {};
}

build::BuildRequest::FindTriggers find_triggers(const EngineOptions& engine,
                                                const BuildImageRequest& request) {
  return [&engine, &request](const std::string& name, const std::string& platform,
                             const std::stop_token& stop) -> std::vector<std::string> {
    PullRequest pull;
    pull.reference = name;
    pull.platform = platform.empty() ? request.platform : platform;
    pull.access = request.registries;
    EngineOptions options = engine;
    options.stop = stop;
    auto config = remote_config(options, pull);
    if (!config) return {};  // the stage that stands on it will say why
    return config->config.on_build.value_or(std::vector<std::string>());
  };
}

BuildImageResult failed(Error error, int exit_code, bool from_daemon) {
  return {std::nullopt, BuildImageFailure{std::move(error), exit_code, from_daemon, {}}};
}

/// The files of an image, mounted; of one without layers an empty directory.
class ImageFiles {
 public:
  static Result<ImageFiles> open(const Store& store, const Image& image) {
    ImageFiles files;
    if (image.config.diff_ids.empty()) {
      auto empty = TRY(TempDir::create(store.own_dir(), "output-"));
      files.empty_.emplace(std::move(empty));
      files.root_ = TRY(open_dir(files.empty_->fd(), "."));
      return files;
    }
    auto base = TRY(layer_base(store, image.config.diff_ids));
    files.mount_ = TRY(mount_base(store, base));
    files.root_ = TRY(open_dir(files.mount_.get(), "."));
    return files;
  }
  int root() const { return root_.get(); }

 private:
  std::optional<TempDir> empty_;
  UniqueFd mount_;
  UniqueFd root_;
};

Result<void> write_output(const EngineOptions& engine, const Store& store, const Image& image,
                          const BuildOutput& output, const std::vector<Reference>& tags) {
  auto check = [&]() -> Result<void> {
    if (engine.stop.stop_requested()) return Error(ErrorCode::Cancelled, "build cancelled");
    return {};
  };
  auto sink = [&](std::string_view bytes) -> Result<void> {
    TRY(check());
    return output.sink(bytes);
  };
  if (output.type == BuildOutput::Type::Docker || output.type == BuildOutput::Type::Oci) {
    archive::SaveOptions options;
    options.form =
        output.type == BuildOutput::Type::Oci ? archive::Form::Oci : archive::Form::Docker;
    options.stop = engine.stop;
    return archive::save_tar(store, {{image, TRY(output_names(output, tags))}}, options, sink);
  }
  auto files = TRY(ImageFiles::open(store, image));
  if (output.type == BuildOutput::Type::Tar) return write_tree_tar(files.root(), sink);
  return export_directory(files.root(), output.destination, check);
}

/// "exporting files to out", for those who watch.
std::string describe(const BuildOutput& output) {
  const char* what = output.type == BuildOutput::Type::Docker ? "docker archive"
                     : output.type == BuildOutput::Type::Oci  ? "OCI archive"
                                                              : "files";
  return fmt::format("exporting {} to {}", what, output.destination);
}

/// An image that a step has made. Until it has a name, an rmi of the same image under another name
/// takes it away, as docker's does.
Result<Image> built_image(const Store& store, ImageID id) {
  auto image = store.images().get(id);
  if (image || image.error().code() != ErrorCode::NotFound) return image;
  return Error(ErrorCode::NotFound, fmt::format("image {} was removed meanwhile", id.str()));
}

/// What follows the steps: one layer of many, the outputs, and what is durable gets its names.
Result<BuildImageResult> finish_build(const EngineOptions& engine, const Store& store,
                                      const BuildImageRequest& request,
                                      const std::vector<Reference>& tags, const Caches& caches,
                                      const build::BuildOutcome& outcome,
                                      progress::Report& report) {
  BuildImageResult result;
  auto id = *outcome.id;
  if (request.squash) {
    report.tell(progress::ActionStarted{"squashing layers"});
    id = TRY(build::squash_image(store, id, outcome.base).context("squash"));
    report.tell(progress::ActionDone{});
  }
  result.id = id;
  report.tell(progress::Built{id});
  auto image = TRY(built_image(store, id));
  // Before it was squashed. Looked at now: once it has its name, it may be removed again.
  auto stepwise = id == *outcome.id ? image : TRY(built_image(store, *outcome.id));
  std::vector<Reference> names = request.outputs.empty() ? tags : std::vector<Reference>();
  for (const auto& output : request.outputs) {
    if (output.type == BuildOutput::Type::Image) {
      for (const auto& name : TRY(output_names(output, tags)))
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      continue;
    }
    auto text = describe(output);
    report.tell(progress::ActionStarted{text});
    TRY(write_output(engine, store, image, output, tags).context("output {}", output.destination));
    report.tell(progress::ActionDone{});
    if (output.type == BuildOutput::Type::Local || output.type == BuildOutput::Type::Tar) continue;
    auto manifest = TRY(archive::image_manifest(store, image));
    result.manifest = {sha256(manifest).str(), static_cast<std::int64_t>(manifest.size()),
                       registry::kOciManifest};
    for (const auto& name : TRY(output_names(output, tags))) result.names.push_back(name.str());
  }
  TRY(sync_and_name(store, names, id, Time::now(), engine.lazy));
  for (const auto& name : names) {
    report.tell(progress::Tagged{name.familiar()});
    result.names.push_back(name.str());
  }
  TRY(push_outputs(engine, store, request, tags, caches.steps_inline(outcome.steps, image.config),
                   report, result));
  export_caches(store, engine, request.registries, caches.targets, outcome.steps, stepwise.config,
                report);
  std::sort(result.names.begin(), result.names.end());
  result.names.erase(std::unique(result.names.begin(), result.names.end()), result.names.end());
  return result;
}

BuildImageResult build_and_tag(const EngineOptions& engine, const Store& store,
                               const BuildImageRequest& request, build::BuildRequest translated,
                               const std::vector<Reference>& tags, const Caches& caches,
                               progress::Report& report) {
  WriteBehind behind(store, engine.lazy);
  translated.behind = &behind;
  auto outcome = build::build(store, translated, report, engine.stop);
  if (outcome.failure) {
    auto& f = *outcome.failure;
    auto result = failed(std::move(f.error), f.exit_code, f.before_first_step);
    if (f.step)
      result.failure->instruction =
          FailedInstruction{std::move(f.step->file), f.step->line, std::move(f.step->source)};
    return result;
  }
  auto done = finish_build(engine, store, request, tags, caches, outcome, report);
  if (!done) return failed(std::move(done).error(), 1, false);
  return *std::move(done);
}

}  // namespace

BuildImageResult build_image(const EngineOptions& engine, const BuildImageRequest& request,
                             const progress::Sink& sink) {
  auto tags = parse_tags(request.tags);
  if (!tags) return failed(std::move(tags).error(), 1, true);
  if (auto named = check_pushes(request); !named) return failed(std::move(named).error(), 1, false);
  auto caches = parse_caches(request);
  if (!caches) return failed(std::move(caches).error(), 1, true);
  auto translated = build_request(request);
  if (!translated) return failed(std::move(translated).error(), 1, true);
  auto store = Store::open(engine.root, Store::Access::Write);
  if (!store) return failed(std::move(store).error(), 1, false);

  translated->fetch_image = fetch_image(engine, **store, request);
  translated->find_triggers = find_triggers(engine, request);
  translated->record_steps = !caches->targets.empty();
  BuildLog log((*store)->own_dir(), (*store)->path());
  progress::Report report(std::ref(log));
  report.add(sink);
  SharedCaches shared(**store, engine, request.registries, request.max_layer_size, report);
  for (const auto& source : caches->sources) {
    auto& images = translated->cache_from;
    images.insert(images.end(), source.images.begin(), source.images.end());
    if (source.type != CacheSource::Type::Images) shared.add(source);
  }
  if (!shared.empty())
    translated->find_step = [&shared](const auto& key, const auto& parent, const auto& stop) {
      return shared.find(key, parent, stop);
    };
  auto result =
      build_and_tag(engine, **store, request, *std::move(translated), *tags, *caches, report);
  limit_build_cache(**store);
  result.log = log.path();
  std::optional<std::string_view> error;
  if (result.failure) error = result.failure->error.message();
  report.tell(progress::Ended{error});
  return result;
}

}  // namespace strata
