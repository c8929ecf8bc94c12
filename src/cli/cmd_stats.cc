#include <chrono>
#include <thread>

#include "cli/binary_size.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/stats_row.h"
#include "cli/table.h"
#include "engine/container_stats.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_stats {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstLook = 500ms;  // between the two that the first figures of CPUs come from
constexpr auto kNextLook = 1s;
constexpr std::string_view kCleanScreen = "\033[2J\033[H";

struct Options {
  bool all = false;
  bool no_stream = false;
  bool full_ids = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.all, "all", 'a', "Show all containers (default shows just running)");
  f.add(o.format, "format", 0, "Pretty-print images using a Go template");
  f.add(o.no_stream, "no-stream", 0, "Disable streaming stats and only pull the first result");
  f.add(o.full_ids, "no-trunc", 0, "Do not truncate output");
}

constexpr TableField kFields[] = {
    {"Container", "CONTAINER"},
    {"Name", "NAME"},
    {"ID", "CONTAINER ID"},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET I/O"},
    {"BlockIO", "BLOCK I/O"},
    {"PIDs", "PIDS"},
};

TableSpec table_spec() {
  return {.go_type = "*container.statsContext",
          .default_format =
              "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t"
              "{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
          .quiet_format = "",
          .raw_format = "",
          .raw_quiet_format = "",
          .fields = kFields};
}

std::string both(std::uint64_t in, std::uint64_t out) {
  auto text = [](std::uint64_t bytes) { return human_size(static_cast<std::int64_t>(bytes), 3); };
  return text(in) + " / " + text(out);
}

std::string memory_percent(const ContainerStats& row) {
  if (row.memory_limit == 0) return "0.00%";
  return fmt::format("{:.2f}%",
                     static_cast<double>(row.memory) / static_cast<double>(row.memory_limit) * 100);
}

/// The table of one look. A new one each time: widths are of what is shown.
Result<std::string> screen(const Options& o, StatsWatch& watch) {
  auto rows = watch.look();
  if (!rows) return from_daemon(std::move(rows).error());
  auto table = TRY(Table::create(table_spec(), o.format));
  for (const auto& row : *rows) TRY(table.add(stats_row_json(row, o.full_ids)));
  return table.finish();
}

/// False if nobody reads any more.
bool show(std::FILE* out, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0;
}

/// Whether all of them are there; says of each that is not.
bool add_names(Call& call, StatsWatch& watch) {
  bool good = true;
  for (const auto& name : call.args) {
    auto added = watch.add(name);
    if (added) continue;
    fmt::print(call.err, "{}\n", from_daemon(std::move(added).error()).message());
    good = false;
  }
  return good;
}

Result<int> run(Options& o, Call& call) {
  StatsWatch watch(engine_options(call), o.all);
  if (!add_names(call, watch)) return 1;
  TRY(Table::create(table_spec(), o.format));
  auto next = std::chrono::steady_clock::now();
  if (auto first = watch.look(); !first) return from_daemon(std::move(first).error());
  for (next += kFirstLook;; next += kNextLook) {
    std::this_thread::sleep_until(next);
    auto text = TRY(screen(o, watch));
    if (!show(call.out, o.no_stream ? text : std::string(kCleanScreen) + text)) return 1;
    if (o.no_stream) return 0;
  }
}

}  // namespace
}  // namespace cmd_stats

Json stats_row_json(const ContainerStats& row, bool full_ids) {
  using namespace cmd_stats;
  auto unless_gone = [&](std::string text, const char* gone = "--") {
    return row.is_removed ? std::string(gone) : std::move(text);
  };
  return Json::object({
      {"BlockIO", unless_gone(both(row.block_read, row.block_written))},
      {"CPUPerc", unless_gone(fmt::format("{:.2f}%", row.cpu_percent))},
      {"Container", row.container},
      {"ID", full_ids ? row.id : short_id(row.id)},
      {"MemPerc", unless_gone(memory_percent(row))},
      {"MemUsage",
       unless_gone(binary_size(row.memory) + " / " + binary_size(row.memory_limit), "-- / --")},
      {"Name", row.name.empty() ? "--" : row.name},
      {"NetIO", unless_gone(both(row.received, row.sent))},
      {"PIDs", unless_gone(std::to_string(row.pids))},
  });
}

Command stats_command(std::string_view path) {
  using namespace cmd_stats;
  return {.path = path,
          .operands = "[OPTIONS] [CONTAINER...]",
          .summary = "Display a live stream of container(s) resource usage statistics",
          .description =
              "Shows every second what containers use, until Ctrl-C; without names of those that "
              "run, as they come and go.\n\nCPU % is of one CPU, so that two can be 200 %. Memory "
              "is without what is only kept of files. NET I/O is that of a network of the "
              "container's own.",
          .arity = {},
          .make = action<Options, add_flags, run>};
}

}  // namespace strata::cli
