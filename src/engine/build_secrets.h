#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "build/build.h"

// What `build --secret` and `--ssh` say. Internal to the engine.
namespace strata {

/// "id=x,src=FILE", "id=x,env=VAR", or "id=x", which takes the variable x if it is set and else the
/// file x. InvalidArgument if there is neither.
Result<std::pair<std::string, build::SecretSource>> parse_secret(std::string_view text);

/// "default" or "id": the agent of SSH_AUTH_SOCK; "id=SOCKET": that one.
Result<std::pair<std::string, std::string>> parse_agent(std::string_view text);

}  // namespace strata
