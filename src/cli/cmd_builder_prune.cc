#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/prune_prompt.h"
#include "cli/report.h"
#include "engine/build_cache.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_builder_prune {
namespace {

struct Options {
  PruneRequest request;
  std::int64_t keep_storage = 0;  // bytes
  bool force = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all, "all", 'a', "Remove all unused build cache, not just dangling ones");
  add_filter(f, o.request.filters, 0, "Provide filter values (e.g. 'until=24h')");
  f.add(o.force, "force", 'f', "Do not prompt for confirmation");
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        o.keep_storage = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "keep-storage", 0, "Amount of disk space to keep for cache");
}

std::string_view warning(const Options& o) {
  return o.request.all ? "WARNING! This will remove all build cache."
                       : "WARNING! This will remove all dangling build cache.";
}

Result<int> run(Options& o, Call& call) {
  Pruned pruned;
  if (o.force || confirm(call, warning(o), ' ')) {
    auto done = prune_build_cache(engine_options(call), o.request, o.keep_storage);
    if (!done) return from_daemon(std::move(done).error());
    pruned = *std::move(done);
  }
  print_pruned(call, "Deleted build cache objects", pruned);
  fmt::print(call.out, "Total reclaimed space: {}\n", human_size(pruned.reclaimed));
  return 0;
}

}  // namespace
}  // namespace cmd_builder_prune

Command builder_prune_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Remove build cache",
      .description =
          "Removes what builds keep to be faster the next time and no build uses at the moment: "
          "the directories of RUN --mount=type=cache, the remembered sums of contexts, and the "
          "remembered results of steps whose layers are gone, with -a all of them. With "
          "--keep-storage what was used last stays, up to that size. Images stay: `image prune` "
          "removes those without a name.\n\n"
          "Filters: until=TIME or unused-for=TIME (not used since), id=PREFIX, "
          "type=exec.cachemount|source.local|step|blob, description=ID, inuse.",
      .arity = no_operands(),
      .make =
          action<cmd_builder_prune::Options, cmd_builder_prune::add_flags, cmd_builder_prune::run>};
}

}  // namespace strata::cli
