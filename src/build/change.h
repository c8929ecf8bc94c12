#pragma once

#include <string_view>

#include "base/result.h"
#include "dockerfile/instruction.h"
#include "image/config.h"

namespace strata::build {

/// One --change of `commit` and `import`: a Dockerfile instruction that only touches the config
/// (CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR).
/// InvalidArgument in docker's words: "run is not a valid change command".
Result<void> apply_change(RunConfig& config, std::string_view instruction);

/// What HEALTHCHECK puts into the config.
HealthConfig health_config(const dockerfile::Healthcheck& v);

}  // namespace strata::build
