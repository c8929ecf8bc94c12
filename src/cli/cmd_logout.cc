#include <fmt/format.h>

#include "cli/commands.h"
#include "engine/registries.h"

namespace strata::cli {
namespace cmd_logout {
namespace {

Result<int> run(Call& call) {
  std::string server = call.args.empty() ? "" : call.args[0];
  auto key = login_key(server);
  if (!TRY(log_out(server, {call.globals.config, std::nullopt}))) {
    fmt::print(call.out, "Not logged in to {}\n", key);
    return 0;
  }
  fmt::print(call.out, "Removing login credentials for {}\n", key);
  return 0;
}

}  // namespace
}  // namespace cmd_logout

Command logout_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[SERVER]",
      .summary = "Log out from a Docker registry",
      .description =
          "Forgets the name and the password of a registry, wherever docker or podman keep them.",
      .arity = at_most(1),
      .make = action<cmd_logout::run>};
}

}  // namespace strata::cli
