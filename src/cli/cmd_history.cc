#include <algorithm>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/images.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_history {
namespace {

struct Options {
  bool human = true;
  bool full = false;
  bool quiet = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 0, "Pretty-print history using a Go template");
  f.add(o.human, "human", 'H', "Print sizes and dates in human readable format");
  f.add(o.full, "no-trunc", 0, "Don't truncate output");
  f.add(o.quiet, "quiet", 'q', "Only show image IDs");
}

constexpr TableField kFields[] = {
    {"ID", "IMAGE"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"CreatedBy", "CREATED BY"},
    {"Size", "SIZE"},
    {"Comment", "COMMENT"},
};

TableSpec table_spec(bool human) {
  return {.go_type = "*image.historyContext",
          .default_format =
              human ? "table {{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t"
                      "{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
                    : "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
          .quiet_format = "{{.ID}}",
          .raw_format = "",
          .raw_quiet_format = "",
          .fields = kFields};
}

Json row_json(const HistoryLine& line, const Options& o) {
  auto created_by = line.created_by;
  std::replace(created_by.begin(), created_by.end(), '\t', ' ');
  return Json::object({
      {"Comment", line.comment},
      {"CreatedAt", local_rfc3339(line.created.seconds)},
      {"CreatedBy", o.full ? created_by : ellipsis(created_by, 45)},
      {"CreatedSince", line.created.is_zero() || !o.human
                           ? (o.human ? "" : local_rfc3339(line.created.seconds))
                           : ago(line.created.seconds)},
      {"ID", o.full || line.id == "<missing>" ? line.id : short_id(line.id)},
      {"Size", o.human ? human_size(line.size, 3) : std::to_string(line.size)},
  });
}

Result<int> run(Options& o, Call& call) {
  auto table = TRY(Table::create(table_spec(o.human), o.format, o.quiet));
  auto lines = history(engine_options(call), call.args[0]);
  if (!lines) return from_daemon(std::move(lines).error());
  for (const auto& line : *lines) TRY(table.add(row_json(line, o)));
  auto text = TRY(table.finish());
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_history

Command history_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] IMAGE",
          .summary = "Show the history of an image",
          .description =
              "Lists the steps that made an image, newest first, with the size of the "
              "layer that each of them added. Steps whose image is not in this store "
              "are shown as <missing>.",
          .arity = exactly(1),
          .make = action<cmd_history::Options, cmd_history::add_flags, cmd_history::run>};
}

}  // namespace strata::cli
