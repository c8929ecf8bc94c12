#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/build.h"
#include "engine/events.h"
#include "lint/lint.h"
#include "lint/outline.h"

// `build --call=check|outline|targets`: a Dockerfile is read and nothing is built. No store is
// needed; if there is one, what it knows of base images is used, and it is only read.
namespace strata {

struct DockerfileText {
  std::string name;  // "Dockerfile"
  std::string text;
};

struct DockerfileCheck {
  DockerfileText source;
  std::vector<lint::Finding> findings;
  bool error = false;            // the file's directive makes a build with findings fail
  std::optional<Error> failure;  // why the file cannot be built at all
};
Result<DockerfileCheck> check_dockerfile(const EngineOptions& engine,
                                         const BuildImageRequest& request);

struct DockerfileOutline {
  DockerfileText source;
  lint::Outline outline;
};
Result<DockerfileOutline> outline_dockerfile(const EngineOptions& engine,
                                             const BuildImageRequest& request);

struct DockerfileTargets {
  DockerfileText source;
  std::vector<lint::Target> targets;
};
Result<DockerfileTargets> list_targets(const EngineOptions& engine,
                                       const BuildImageRequest& request);

}  // namespace strata
