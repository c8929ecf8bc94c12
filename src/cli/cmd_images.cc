#include "base/clock.h"
#include "cli/commands.h"
#include "cli/filter_flag.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/images.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_images {
namespace {

struct Options {
  ListImagesRequest request;
  bool digests = false;
  bool full_ids = false;
  bool quiet = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.all, "all", 'a', "Show all images (default hides intermediate images)");
  f.add(o.digests, "digests", 0, "Show digests");
  add_filter(f, o.request.filters, 'f', "Filter output based on conditions provided");
  f.add(o.format, "format", 0, "Pretty-print images using a Go template");
  f.add(o.full_ids, "no-trunc", 0, "Don't truncate output");
  f.add(o.quiet, "quiet", 'q', "Only show image IDs");
}

constexpr TableField kFields[] = {
    {"ID", "IMAGE ID"},
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"Digest", "DIGEST"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"Size", "SIZE"},
    {"Containers", "CONTAINERS"},
    {"VirtualSize", "SIZE"},
    {"SharedSize", "SHARED SIZE"},
    {"UniqueSize", "UNIQUE SIZE"},
};

TableSpec table_spec(bool digests) {
  return {.go_type = "*formatter.imageContext",
          .default_format = digests
                                ? "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if "
                                  ".CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}"
                                : "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince "
                                  "}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}",
          .quiet_format = "{{.ID}}",
          .raw_format =
              "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\n"
              "created_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n",
          .raw_quiet_format = "image_id: {{.ID}}",
          .fields = kFields};
}

Json row_json(const ImageRow& row, bool full_ids) {
  auto size = human_size(row.size, 3);
  return Json::object({
      {"Containers", "N/A"},
      {"CreatedAt", local_time(row.created.seconds)},
      {"CreatedSince", row.created.is_zero() ? "" : ago(row.created.seconds)},
      {"Digest", row.digest},
      {"ID", full_ids ? row.id.str() : short_id(row.id.str())},
      {"Repository", row.repository},
      {"SharedSize", "N/A"},
      {"Size", size},
      {"Tag", row.tag},
      {"UniqueSize", "N/A"},
      {"VirtualSize", size},
  });
}

Result<int> run(Options& o, Call& call) {
  if (!call.args.empty()) o.request.reference = call.args[0];
  auto table = TRY(Table::create(table_spec(o.digests), o.format, o.quiet));
  o.request.digests = o.digests || o.format.find("{{.Digest}}") != std::string::npos;
  auto rows = list_images(engine_options(call), o.request);
  if (!rows) return from_daemon(std::move(rows).error());
  for (const auto& row : *rows) TRY(table.add(row_json(row, o.full_ids)));
  auto text = TRY(table.finish());
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

Result<int> run_pinned(Options& o, Call& call) {
  o.request.filters.emplace_back("pinned=true");
  return run(o, call);
}

}  // namespace
}  // namespace cmd_images

Command pins_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] [REPOSITORY[:TAG]]",
          .summary = "List pinned images",
          .description = "Lists as `images` the images that `strata pin` keeps from being removed.",
          .arity = at_most(1),
          .make = action<cmd_images::Options, cmd_images::add_flags, cmd_images::run_pinned>};
}

Command images_command(std::string_view path) {
  return {.path = path,
          .aliases = path == "image ls" ? "list" : "",
          .operands = "[OPTIONS] [REPOSITORY[:TAG]]",
          .summary = "List images",
          .description =
              "Lists the images of the store, newest first. Images that are only steps "
              "of a build are hidden unless -a is given.\n\n"
              "Filters: dangling=true|false, label=NAME[=VALUE], before=IMAGE, "
              "since=IMAGE, until=TIME, reference=PATTERN, pinned=true|false, "
              "unused-for=DURATION (not run, built on, pulled, loaded, pushed or named since).",
          .arity = at_most(1),
          .make = action<cmd_images::Options, cmd_images::add_flags, cmd_images::run>};
}

}  // namespace strata::cli
