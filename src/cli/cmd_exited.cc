#include "cli/commands.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_exited {
namespace {

Result<int> run(Call& call) {
  TRY(container_exited(engine_options(call), call.args[0]));
  return 0;
}

}  // namespace
}  // namespace cmd_exited

Command exited_command(std::string_view path) {
  return {.path = path,
          .operands = "CONTAINER",
          .summary = "Record the end of a detached container",
          .arity = exactly(1),
          .make = action<cmd_exited::run>,
          .hidden = true};
}

}  // namespace strata::cli
