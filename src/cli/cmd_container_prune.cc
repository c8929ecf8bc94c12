#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/prune_prompt.h"
#include "cli/report.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_container_prune {
namespace {

struct Options {
  PruneRequest request;
  bool force = false;
};

void add_flags(FlagSet& f, Options& o) {
  add_filter(f, o.request.filters, 0, "Provide filter values (e.g. 'until=<timestamp>')");
  f.add(o.force, "force", 'f', "Do not prompt for confirmation");
}

Result<int> run(Options& o, Call& call) {
  Pruned pruned;
  if (o.force || confirm(call, "WARNING! This will remove all stopped containers.")) {
    auto done = prune_containers(engine_options(call), o.request);
    if (!done) return from_daemon(std::move(done).error());
    pruned = *std::move(done);
  }
  print_pruned(call, "Deleted Containers", pruned);
  fmt::print(call.out, "Total reclaimed space: {}\n", human_size(pruned.reclaimed));
  return 0;
}

}  // namespace
}  // namespace cmd_container_prune

Command container_prune_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Remove all stopped containers",
      .description =
          "Removes all containers that do not run, with their writable layers; their volumes stay."
          "\n\nFilters: until=TIME, label=NAME[=VALUE], label!=NAME[=VALUE].",
      .arity = no_operands(),
      .make = action<cmd_container_prune::Options, cmd_container_prune::add_flags,
                     cmd_container_prune::run>};
}

}  // namespace strata::cli
