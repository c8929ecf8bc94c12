#include "cli/commands.h"
#include "cli/container_flags.h"

namespace strata::cli {
namespace cmd_create {
namespace {

void add_flags(FlagSet& f, ContainerFlags& o) { add_container_flags(f, o); }

Result<int> run(ContainerFlags& o, Call& call) {
  TRY(check_container_flags(call, o));
  auto id = TRY(create_from_flags(call, o));
  fmt::print(call.out, "{}\n", id);
  return 0;
}

}  // namespace
}  // namespace cmd_create

Command create_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
          .summary = "Create a new container",
          .description =
              "Makes a container on an image, ready for start, and prints its ID. Its layers exist "
              "from now on: rm removes them.\n\nA container has the host's network unless "
              "--network none is given.",
          .arity = at_least(1),
          .make = action<ContainerFlags, cmd_create::add_flags, cmd_create::run>};
}

}  // namespace strata::cli
