#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/build_cache.h"
#include "image/json.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_builder_du {
namespace {

struct Options {
  std::vector<std::string> filters;
  std::string format;
  bool verbose = false;
};

void add_flags(FlagSet& f, Options& o) {
  add_filter(f, o.filters, 0, "Provide filter values");
  f.add(o.format, "format", 0, "Format the output using a Go template, or \"json\"");
  f.add(o.verbose, "verbose", 0, "List the result of each step by itself");
}

constexpr TableField kFields[] = {{"ID", "ID"},
                                  {"Type", "TYPE"},
                                  {"Reclaimable", "RECLAIMABLE"},
                                  {"Size", "SIZE"},
                                  {"LastUsedSince", "LAST ACCESSED"},
                                  {"Description", "DESCRIPTION"},
                                  {"LastUsedAt", "LAST USED AT"}};

Json row_json(const BuildCacheRow& row) {
  return Json::object({{"Description", row.description},
                       {"ID", row.id},
                       {"LastUsedAt", local_time(row.last_used.seconds)},
                       {"LastUsedSince", ago(row.last_used.seconds)},
                       {"Reclaimable", row.in_use ? "false" : "true"},
                       {"Size", human_size(row.size)},
                       {"Type", row.type}});
}

/// All results of steps as one row, at the place of the one that was used last.
std::vector<BuildCacheRow> with_steps_as_one(const std::vector<BuildCacheRow>& rows) {
  std::vector<BuildCacheRow> out;
  std::size_t steps = 0;
  std::optional<std::size_t> at;
  for (const auto& row : rows) {
    if (row.type != "step") {
      out.push_back(row);
      continue;
    }
    steps++;
    if (at) {
      out[*at].size += row.size;
      continue;
    }
    at = out.size();
    out.push_back(row);
    out.back().id = "steps";
  }
  if (at) out[*at].description = fmt::format("results of {} steps", steps);
  return out;
}

Result<int> run(Options& o, Call& call) {
  auto found = build_cache(engine_options(call), o.filters);
  if (!found) return from_daemon(std::move(found).error());
  auto table = TRY(Table::create({.go_type = "*formatter.buildCacheContext",
                                  .default_format = "table {{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t"
                                                    "{{.LastUsedSince}}\t{{.Description}}",
                                  .quiet_format = "",
                                  .raw_format = "",
                                  .raw_quiet_format = "",
                                  .fields = kFields},
                                 o.format));
  std::int64_t total = 0;
  std::int64_t reclaimable = 0;
  for (const auto& row : *found) {
    total += row.size;
    if (!row.in_use) reclaimable += row.size;
  }
  for (const auto& row : o.verbose ? *found : with_steps_as_one(*found))
    TRY(table.add(row_json(row)));
  auto text = TRY(table.finish());
  std::fwrite(text.data(), 1, text.size(), call.out);
  if (o.format.empty())
    fmt::print(call.out, "Reclaimable:\t{}\nTotal:\t\t{}\n", human_size(reclaimable),
               human_size(total));
  return 0;
}

}  // namespace
}  // namespace cmd_builder_du

Command builder_du_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Show what builds keep to be faster the next time",
      .description =
          "Lists the directories of RUN --mount=type=cache, the remembered sums of the files of "
          "contexts, and the remembered results of steps (as one line; with --verbose each), those "
          "used last first. The images of steps are not among them: `images -a` lists these.\n\n"
          "Filters: id=PREFIX, type=exec.cachemount|source.local|step|blob, description=ID, inuse, "
          "until=TIME or unused-for=TIME (not used since).",
      .arity = no_operands(),
      .make = action<cmd_builder_du::Options, cmd_builder_du::add_flags, cmd_builder_du::run>};
}

}  // namespace strata::cli
