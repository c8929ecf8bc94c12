#include <algorithm>

#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/prune_prompt.h"
#include "cli/report.h"
#include "engine/build_cache.h"
#include "engine/log_time.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_system_prune {
namespace {

struct Options {
  PruneRequest request;
  bool force = false;
  bool volumes = false;
  std::string unused_for;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all, "all", 'a', "Remove all unused images not just dangling ones");
  add_filter(f, o.request.filters, 0, "Provide filter values (e.g. 'label=<key>=<value>')");
  f.add(o.unused_for, "unused-for", 0, "Spare images and build cache that were used since");
  f.add(o.force, "force", 'f', "Do not prompt for confirmation");
  f.add(o.volumes, "volumes", 0, "Prune volumes");
}

/// docker's words, although Strata has no networks.
std::string warning(const Options& o) {
  std::string text =
      "WARNING! This will remove:\n"
      "  - all stopped containers\n"
      "  - all networks not used by at least one container\n";
  if (o.volumes) text += "  - all volumes not used by at least one container\n";
  text += o.request.all ? "  - all images without at least one container associated to them\n"
                          "  - all build cache\n"
                        : "  - all dangling images\n  - all dangling build cache\n";
  if (!o.unused_for.empty())
    text += "\n  Images and build cache that were used in the last " + o.unused_for + " stay.\n";
  if (o.request.filters.empty()) return text;
  text += "\n  Items to be pruned will be filtered with:\n";
  auto filters = o.request.filters;
  std::sort(filters.begin(), filters.end());
  for (const auto& filter : filters) text += "  - " + filter + '\n';
  return text;
}

/// Of the build cache what `system df` counts. Nothing in it has labels: with a filter for them all
/// of it stays.
Result<Pruned> prune_cache(const EngineOptions& engine, PruneRequest request) {
  bool has_label = std::any_of(request.filters.begin(), request.filters.end(),
                               [](const auto& f) { return f.starts_with("label"); });
  if (has_label) return Pruned();
  request.filters.emplace_back("type=exec.cachemount");
  return prune_build_cache(engine, request);
}

Result<int> prune(const Options& o, Call& call) {
  auto engine = engine_options(call);
  auto containers = TRY(prune_containers(engine, o.request));
  print_pruned(call, "Deleted Containers", containers);
  auto reclaimed = containers.reclaimed;
  if (o.volumes) {
    auto volumes = TRY(prune_volumes(engine));
    print_pruned(call, "Deleted Volumes", volumes);
    reclaimed += volumes.reclaimed;
  }
  auto request = o.request;
  if (!o.unused_for.empty()) request.filters.push_back("unused-for=" + o.unused_for);
  auto images = TRY(prune_images(engine, request));
  print_pruned_images(call, images);
  auto cache = TRY(prune_cache(engine, request));
  print_pruned(call, "Deleted build cache objects", cache);
  reclaimed += images.reclaimed + cache.reclaimed + TRY(prune_remains(engine));
  fmt::print(call.out, "Total reclaimed space: {}\n", human_size(reclaimed));
  return 0;
}

Result<int> run(Options& o, Call& call) {
  bool has_until = std::any_of(o.request.filters.begin(), o.request.filters.end(),
                               [](const auto& f) { return f.starts_with("until="); });
  if (o.volumes && has_until)
    return Error(ErrorCode::InvalidArgument,
                 "ERROR: The \"until\" filter is not supported with \"--volumes\"");
  if (!o.unused_for.empty()) TRY(parse_age(o.unused_for, Time::now()));  // before anything goes
  if (!o.force && !confirm(call, warning(o))) return 0;
  auto done = prune(o, call);
  if (!done) return from_daemon(std::move(done).error());
  return done;
}

}  // namespace
}  // namespace cmd_system_prune

Command system_prune_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Remove unused data",
      .description =
          "Removes stopped containers, with --volumes all volumes that no container has, images "
          "without a name (with -a: without a container), the directories of RUN "
          "--mount=type=cache, "
          "and what interrupted commands left in the store. Pinned images (`strata pin`) stay; "
          "with "
          "--unused-for 720h, or 30d, so do images and build cache that were used since.\n\n"
          "Filters: until=TIME, "
          "label=NAME[=VALUE], label!=NAME[=VALUE].",
      .arity = no_operands(),
      .make =
          action<cmd_system_prune::Options, cmd_system_prune::add_flags, cmd_system_prune::run>};
}

}  // namespace strata::cli
