#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dockerfile/instruction.h"
#include "image/config.h"

namespace strata::build {

/// Applies Dockerfile instructions to a config, as `commit --change` and `import --change` do: CMD,
/// ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR.
/// Variables are those of the config's environment. ENTRYPOINT drops a CMD that did not come from
/// `changes` before it.
/// InvalidArgument with docker's texts: "run is not a valid change command". On an error `config`
/// holds what came before.
Result<void> apply_changes(RunConfig& config, std::span<const std::string> changes);

/// The same for one instruction alone.
Result<void> apply_change(RunConfig& config, std::string_view instruction);

/// What HEALTHCHECK puts into a config.
HealthConfig health_config(const dockerfile::Healthcheck& instruction);

}  // namespace strata::build
