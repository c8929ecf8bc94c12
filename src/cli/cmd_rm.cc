#include "cli/commands.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_rm {
namespace {

struct Options {
  bool force = false;
  bool volumes = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.force, "force", 'f', "Force the removal of a running container (uses SIGKILL)");
  f.add(o.volumes, "volumes", 'v', "Remove anonymous volumes associated with the container");
}

/// One that cannot be removed does not keep the others.
Result<int> run(Options& o, Call& call) {
  int exit_code = 0;
  for (const auto& name : call.args) {
    auto removed = remove_container(engine_options(call), name, o.force, o.volumes);
    if (removed) {
      fmt::print(call.out, "{}\n", name);
      continue;
    }
    auto error = std::move(removed).error();
    if (error.code() == ErrorCode::NotFound)
      error.add_context("Error");
    else
      error = from_daemon(std::move(error));
    fmt::print(call.err, "{}\n", error.message());
    // With force, docker is content if it is not there.
    if (!o.force || error.code() != ErrorCode::NotFound) exit_code = 1;
  }
  return exit_code;
}

}  // namespace
}  // namespace cmd_rm

Command rm_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Remove one or more containers",
          .description = "Removes containers with their writable layers. Images are not touched.",
          .arity = at_least(1),
          .make = action<cmd_rm::Options, cmd_rm::add_flags, cmd_rm::run>};
}

}  // namespace strata::cli
