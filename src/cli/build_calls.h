#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"
#include "engine/build.h"
#include "engine/events.h"

namespace strata::cli {

/// The value of `build --call`: "check,format=json".
struct BuildCall {
  std::string method = "build";  // build, check, outline, targets
  bool json = false;
};

/// InvalidArgument for an unknown method or format.
Result<BuildCall> parse_build_call(std::string_view text);

/// Does what a call that is not `build` asks for and prints it; gives the exit status.
Result<int> run_build_call(const BuildCall& what, const EngineOptions& engine,
                           const BuildImageRequest& request, Call& call);

}  // namespace strata::cli
