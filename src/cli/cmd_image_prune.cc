#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/prune_prompt.h"
#include "cli/report.h"
#include "engine/image_removal.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_image_prune {
namespace {

struct Options {
  PruneRequest request;
  bool force = false;
  std::string unused_for;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all, "all", 'a', "Remove all unused images, not just dangling ones");
  add_filter(f, o.request.filters, 0, "Provide filter values (e.g. 'until=<timestamp>')");
  f.add(o.unused_for, "unused-for", 0, "Only remove images that were not used for so long");
  f.add(o.force, "force", 'f', "Do not prompt for confirmation");
}

Result<int> run(Options& o, Call& call) {
  if (!o.unused_for.empty()) o.request.filters.push_back("unused-for=" + o.unused_for);
  PrunedImages pruned;
  if (o.force ||
      confirm(call, o.request.all ? "WARNING! This will remove all images without at least one "
                                    "container associated to them."
                                  : "WARNING! This will remove all dangling images.")) {
    auto done = prune_images(engine_options(call), o.request);
    if (!done) return from_daemon(std::move(done).error());
    pruned = *std::move(done);
  }
  print_pruned_images(call, pruned);
  fmt::print(call.out, "Total reclaimed space: {}\n", human_size(pruned.reclaimed));
  return 0;
}

}  // namespace
}  // namespace cmd_image_prune

Command image_prune_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Remove unused images",
      .description =
          "Removes images that have no name and that no other image was built on; with -a also "
          "those with names that no container uses. Pinned images (`strata pin`) stay.\n\n"
          "--unused-for 720h, or 30d, spares what was run, built on, pulled, loaded, pushed or "
          "named since; of an image that Strata never saw in use, the time when it came into the "
          "store or was last named counts.\n\nFilters: until=TIME, label=NAME[=VALUE], "
          "label!=NAME[=VALUE], dangling=true|false, unused-for=DURATION.",
      .arity = no_operands(),
      .make = action<cmd_image_prune::Options, cmd_image_prune::add_flags, cmd_image_prune::run>};
}

}  // namespace strata::cli
