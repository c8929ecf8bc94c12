#include "engine/dockerfile_calls.h"

#include <unistd.h>

#include <cstdlib>

#include "base/fd.h"
#include "base/io.h"
#include "base/temp_dir.h"
#include "build/check_directive.h"
#include "build/context.h"
#include "store/store.h"

namespace strata {
namespace {

/// A context that is open without a store of the user's: what does not come as a directory is
/// unpacked into a store that goes away with this object.
struct OpenDockerfile {
  std::optional<TempDir> folder;
  std::unique_ptr<Store> scratch;
  std::unique_ptr<build::Context> context;
  std::unique_ptr<Store> images;  // the user's; null: there is none
};

std::string temporary_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != 0 ? folder : "/var/tmp";
}

Result<OpenDockerfile> open_dockerfile(const EngineOptions& engine,
                                       const BuildImageRequest& request) {
  OpenDockerfile opened;
  auto parent = TRY(open_dir(AT_FDCWD, temporary_folder()));
  opened.folder.emplace(TRY(TempDir::create(parent.get(), "strata-dockerfile-")));
  auto path = fmt::format("/proc/self/fd/{}", opened.folder->fd());
  opened.scratch = TRY(Store::open(path, Store::Access::Write));
  build::ContextRequest where;
  where.path = request.context;
  where.dockerfile = request.dockerfile;
  build::ContextEvents silent{[](std::int64_t) {}, {}};
  opened.context = TRY(build::Context::open(*opened.scratch, where, silent, engine.stop));
  if (::access((engine.root + "/image/overlay2/repositories.json").c_str(), R_OK) == 0)
    if (auto store = Store::open(engine.root, Store::Access::Read))
      opened.images = *std::move(store);
  return opened;
}

DockerfileText source_of(const OpenDockerfile& opened) {
  return {opened.context->dockerfile_name(), opened.context->dockerfile_text()};
}

Result<dockerfile::Dockerfile> parse(const OpenDockerfile& opened) {
  return dockerfile::parse(opened.context->dockerfile_text(), opened.context->dockerfile_name(),
                           dockerfile::StageNames::MayRepeat);
}

}  // namespace

Result<DockerfileCheck> check_dockerfile(const EngineOptions& engine,
                                         const BuildImageRequest& request) {
  auto opened = TRY(open_dockerfile(engine, request));
  DockerfileCheck check{source_of(opened), {}, false, {}};
  auto file = parse(opened);
  if (!file) {
    check.failure = std::move(file).error();
    return check;
  }
  auto settings = TRY(build::lint_settings(*file, request.build_args));
  check.findings = lint::lint(
      *file, settings,
      build::lint_input(opened.images.get(), opened.context->files(), request.build_args));
  check.error = settings.error;
  if (auto target = file->target_stage(request.target); !target)
    check.failure = std::move(target).error();
  return check;
}

Result<DockerfileOutline> outline_dockerfile(const EngineOptions& engine,
                                             const BuildImageRequest& request) {
  auto opened = TRY(open_dockerfile(engine, request));
  auto file = TRY(parse(opened));
  auto target = TRY(file.target_stage(request.target));
  return DockerfileOutline{
      source_of(opened),
      lint::outline(
          file, target,
          build::lint_input(opened.images.get(), opened.context->files(), request.build_args))};
}

Result<DockerfileTargets> list_targets(const EngineOptions& engine,
                                       const BuildImageRequest& request) {
  auto opened = TRY(open_dockerfile(engine, request));
  auto file = TRY(parse(opened));
  return DockerfileTargets{source_of(opened), lint::targets(file)};
}

}  // namespace strata
