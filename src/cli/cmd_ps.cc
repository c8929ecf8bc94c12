#include "cli/commands.h"
#include "cli/container_row.h"
#include "cli/filter_flag.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/containers.h"
#include "image/go_quote.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_ps {
namespace {

struct Options {
  ListContainersRequest request;
  bool latest = false;
  bool full_ids = false;
  bool quiet = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all, "all", 'a', "Show all containers (default shows just running)");
  add_filter(f, o.request.filters, 'f', "Filter output based on conditions provided");
  f.add(o.format, "format", 0, "Pretty-print containers using a Go template");
  f.add(o.request.last, "last", 'n', "Show n last created containers (includes all states)");
  f.add(o.latest, "latest", 'l', "Show the latest created container (includes all states)");
  f.add(o.full_ids, "no-trunc", 0, "Don't truncate output");
  f.add(o.quiet, "quiet", 'q', "Only display container IDs");
  f.add(o.request.size, "size", 's', "Display total file sizes");
}

constexpr TableField kFields[] = {
    {"ID", "CONTAINER ID"},
    {"Names", "NAMES"},
    {"Image", "IMAGE"},
    {"Command", "COMMAND"},
    {"CreatedAt", "CREATED AT"},
    {"RunningFor", "CREATED"},
    {"Ports", "PORTS"},
    {"State", "STATE"},
    {"Status", "STATUS"},
    {"Size", "SIZE"},
    {"Labels", "LABELS"},
    {"Mounts", "MOUNTS"},
    {"LocalVolumes", "LOCAL VOLUMES"},
    {"Networks", "NETWORKS"},
};

TableSpec table_spec(bool size) {
  return {.go_type = "*formatter.ContainerContext",
          .default_format = size ? "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t"
                                   "{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}"
                                 : "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t"
                                   "{{.Status}}\t{{.Ports}}\t{{.Names}}",
          .quiet_format = "{{.ID}}",
          .raw_format = size
                            ? "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
                              "created_at: {{.CreatedAt}}\nstate: {{.State}}\nstatus: {{.Status}}\n"
                              "names: {{.Names}}\nlabels: {{.Labels}}\nports: {{.Ports}}\n"
                              "size: {{.Size}}\n"
                            : "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
                              "created_at: {{.CreatedAt}}\nstate: {{.State}}\nstatus: {{.Status}}\n"
                              "names: {{.Names}}\nlabels: {{.Labels}}\nports: {{.Ports}}\n",
          .raw_quiet_format = "container_id: {{.ID}}",
          .fields = kFields,
          .row_error = "failed to execute template"};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string label_list(const Json& labels) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : labels.as_object())
    pairs.push_back(name + '=' + value.as_string());
  return joined(pairs);
}

std::string image_text(const ContainerRow& row, bool full) {
  if (row.image.empty()) return "<no image>";
  return !full && row.image.starts_with("sha256:") ? short_id(row.image) : row.image;
}

std::string mount_list(const ContainerRow& row, bool full) {
  std::vector<std::string> mounts;
  for (const auto& m : row.mounts) mounts.push_back(full ? m : ellipsis(m, 15));
  return joined(mounts);
}

std::string size_text(const ContainerRow& row) {
  auto text = human_size(row.size_rw, 3);
  if (row.size_root_fs > 0) text += fmt::format(" (virtual {})", human_size(row.size_root_fs, 3));
  return text;
}

std::size_t count_volumes(const ContainerRow& row) {
  std::size_t n = 0;
  for (const auto& m : row.mounts) n += m.starts_with('/') ? 0U : 1U;
  return n;
}

Json row_json(const ContainerRow& row, bool full, bool size) {
  return Json::object({
      {"Command", go_quote(full ? row.command : ellipsis(row.command, 20))},
      {"CreatedAt", local_time(row.created.seconds)},
      {"ID", full ? row.id : short_id(row.id)},
      {"Image", image_text(row, full)},
      {"Labels", label_list(row.labels)},
      {"LocalVolumes", std::to_string(count_volumes(row))},
      {"Mounts", mount_list(row, full)},
      {"Names", joined(row.names)},
      {"Networks", row.networks},
      {"Ports", row.ports},
      {"RunningFor", ago(row.created.seconds)},
      {"Size", size ? size_text(row) : "0B"},
      {"State", row.state},
      {"Status", row.status},
  });
}

Table::Method label_method(const ContainerRow& row) {
  return [&row](std::string_view name, const std::vector<Json>& args) -> Result<Json> {
    if (name != "Label" || args.size() != 1) return Error(ErrorCode::NotFound, "no such method");
    return Json(row.labels[args[0].as_string()].as_string());
  };
}

Result<int> run(Options& o, Call& call) {
  if (o.latest && o.request.last < 0) o.request.last = 1;
  // As docker: a format that shows sizes asks for them.
  if (o.format.find(".Size") != std::string::npos) o.request.size = true;
  auto table = TRY(Table::create(table_spec(o.request.size), o.format, o.quiet));
  auto rows = list_containers(engine_options(call), o.request);
  if (!rows) return from_daemon(std::move(rows).error());
  for (const auto& row : *rows)
    TRY(table.add(row_json(row, o.full_ids, o.request.size), label_method(row)));
  auto text = TRY(table.finish());
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_ps

Json container_row_json(const ContainerRow& row, bool full, bool size) {
  return cmd_ps::row_json(row, full, size);
}

Command ps_command(std::string_view path) {
  return {.path = path,
          .aliases = path == "container ls" ? "ps list" : "",
          .operands = "[OPTIONS]",
          .summary = "List containers",
          .description =
              "Lists containers, newest first; without -a only those that run.\n\nFilters: id=, "
              "name=, label=NAME[=VALUE], status=, exited=CODE, ancestor=IMAGE, before=CONTAINER, "
              "since=CONTAINER, volume=, network=.",
          .arity = no_operands(),
          .make = action<cmd_ps::Options, cmd_ps::add_flags, cmd_ps::run>};
}

}  // namespace strata::cli
