#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>

#include "build/named_context.h"
#include "build/variables.h"
#include "dockerfile/parser.h"

namespace strata::build {

/// Which stages a build runs, and what each of them waits for.
struct BuildPlan {
  using Stages = std::set<std::size_t>;  // indices
  /// The needed stages, each with those that it stands on or takes files from: by FROM, COPY
  /// --from, RUN --mount=from=, and by the triggers of its base. All of them come before it.
  std::map<std::size_t, Stages> stages;
};

/// The triggers of an image as it will be when a stage stands on it.
using TriggersOf =
    std::function<std::vector<std::string>(const std::string& name, const std::string& platform)>;

/// The plan for stage `target`. The global ARGs are declared in `args`. A stage whose name a named
/// context has is not needed by that name. `triggers_of` is only asked where the answer can matter.
BuildPlan make_plan(const dockerfile::Dockerfile& file, std::size_t target, const BuildArgs& args,
                    NamedContexts& named, const TriggersOf& triggers_of);

}  // namespace strata::build
