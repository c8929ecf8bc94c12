#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "build/source_tree.h"
#include "lint/lint.h"
#include "store/store.h"

namespace strata::build {

using GivenArgs = std::map<std::string, std::optional<std::string>>;

/// What lint() needs to know beside the Dockerfile. `images` may be null: then no base image is at
/// hand. What is pointed to must live as long as the result.
lint::Input lint_input(const Store* images, const SourceTree& files, const GivenArgs& build_args);

/// The settings of a Dockerfile: those of --build-arg BUILDKIT_DOCKERFILE_CHECK, else of its
/// directive `# check=`.
Result<lint::Settings> lint_settings(const dockerfile::Dockerfile& file,
                                     const GivenArgs& build_args);

/// With `error=true`, what a build of a file with findings ends with: InvalidArgument "lint
/// violation found for rules: ...". Nothing is looked at without it. An unreadable directive is
/// passed over, as by docker before it knew directives.
Result<void> check_directive(const dockerfile::Dockerfile& file, const Store& images,
                             const SourceTree& files, const GivenArgs& build_args);

}  // namespace strata::build
