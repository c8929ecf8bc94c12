#include "cli/commands.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_wait {
namespace {

Result<int> run(Call& call) {
  int status = 0;
  for (const auto& name : call.args) {
    auto exit_code = wait_for_container(engine_options(call), name);
    if (exit_code) {
      fmt::print(call.out, "{}\n", *exit_code);
      std::fflush(call.out);
      continue;
    }
    fmt::print(call.err, "{}\n", from_daemon(std::move(exit_code).error()).message());
    status = 1;
  }
  return status;
}

}  // namespace
}  // namespace cmd_wait

Command wait_command(std::string_view path) {
  return {.path = path,
          .operands = "CONTAINER [CONTAINER...]",
          .summary = "Block until one or more containers stop, then print their exit codes",
          .arity = at_least(1),
          .make = action<cmd_wait::run>};
}

}  // namespace strata::cli
