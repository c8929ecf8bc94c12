#include "cli/commands.h"
#include "cli/container_row.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/build_cache.h"
#include "engine/disk_usage.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_system_df {
namespace {

struct Options {
  bool verbose = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 0, "Pretty-print images using a Go template");
  f.add(o.verbose, "verbose", 'v', "Show detailed information on space usage");
}

/// Of the build cache only the directories of RUN --mount=type=cache are counted, as they hold
/// something beside the images; `builder du` lists the rest.
using CacheRows = std::vector<BuildCacheRow>;

// --- the summary

struct Summary {
  const char* type;
  std::size_t total = 0;
  std::size_t active = 0;
  std::int64_t size = 0;         // bytes
  std::int64_t reclaimable = 0;  // bytes
};

Summary summary_of_images(const DiskUsage& usage) {
  Summary s{"Images", usage.images.size(), 0, usage.layers_size, usage.layers_size};
  for (const auto& image : usage.images) {
    if (image.containers == 0) continue;
    s.active++;
    s.reclaimable -= image.size - image.shared;
  }
  return s;
}

Summary summary_of_containers(const DiskUsage& usage) {
  Summary s{"Containers", usage.containers.size()};
  for (const auto& c : usage.containers) {
    bool is_active = c.state == "running" || c.state == "paused" || c.state == "restarting";
    s.size += c.size_rw;
    if (is_active)
      s.active++;
    else
      s.reclaimable += c.size_rw;
  }
  return s;
}

Summary summary_of_volumes(const DiskUsage& usage) {
  Summary s{"Local Volumes", usage.volumes.size()};
  for (const auto& v : usage.volumes) {
    s.size += v.size;
    if (v.links > 0)
      s.active++;
    else
      s.reclaimable += v.size;
  }
  return s;
}

Summary summary_of_cache(const CacheRows& cache) {
  Summary s{"Build Cache", cache.size()};
  for (const auto& row : cache) {
    s.size += row.size;
    if (row.in_use)
      s.active++;
    else
      s.reclaimable += row.size;
  }
  return s;
}

Json summary_json(const Summary& s) {
  auto reclaimable = human_size(s.reclaimable);
  if (s.size > 0) reclaimable += fmt::format(" ({}%)", s.reclaimable * 100 / s.size);
  return Json::object({{"Active", std::to_string(s.active)},
                       {"Reclaimable", reclaimable},
                       {"Size", human_size(s.size)},
                       {"TotalCount", std::to_string(s.total)},
                       {"Type", s.type}});
}

constexpr TableField kSummaryFields[] = {{"Type", "TYPE"},
                                         {"TotalCount", "TOTAL"},
                                         {"Active", "ACTIVE"},
                                         {"Size", "SIZE"},
                                         {"Reclaimable", "RECLAIMABLE"}};

Result<std::string> summary_text(const DiskUsage& usage, const CacheRows& cache,
                                 const std::string& format) {
  TableSpec spec{.go_type = "*formatter.diskUsageImagesContext",
                 .default_format =
                     "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t"
                     "{{.Reclaimable}}",
                 .quiet_format = "",
                 .raw_format =
                     "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\n"
                     "size: {{.Size}}\nreclaimable: {{.Reclaimable}}\n",
                 .raw_quiet_format = "",
                 .fields = kSummaryFields};
  auto table = TRY(Table::create(spec, format));
  TRY(table.add(summary_json(summary_of_images(usage))));
  TRY(table.add(summary_json(summary_of_containers(usage))));
  TRY(table.add(summary_json(summary_of_volumes(usage))));
  TRY(table.add(summary_json(summary_of_cache(cache))));
  return table.finish();
}

// --- each thing by itself

Json image_json(const ImageUsageRow& row, bool full) {
  return Json::object({{"Containers", std::to_string(row.containers)},
                       {"CreatedAt", local_time(row.created.seconds)},
                       {"CreatedSince", row.created.is_zero() ? "" : ago(row.created.seconds)},
                       {"Digest", ""},
                       {"ID", full ? row.id : short_id(row.id)},
                       {"Repository", row.repository},
                       {"SharedSize", human_size(row.shared)},
                       {"Size", human_size(row.size, 3)},
                       {"Tag", row.tag},
                       {"UniqueSize", human_size(row.size - row.shared)},
                       {"VirtualSize", human_size(row.size)}});
}

Json volume_json(const VolumeUsageRow& row) {
  return Json::object({{"Driver", "local"},
                       {"Labels", ""},
                       {"Links", std::to_string(row.links)},
                       {"Mountpoint", row.mountpoint},
                       {"Name", row.name},
                       {"Scope", "local"},
                       {"Size", human_size(row.size)}});
}

Json cache_json(const BuildCacheRow& row) {
  return Json::object({{"CacheType", row.type},
                       {"CreatedSince", ""},
                       {"Description", row.description},
                       {"ID", row.id},
                       {"InUse", row.in_use ? "true" : "false"},
                       {"LastUsedSince", ago(row.last_used.seconds)},
                       {"Shared", "false"},
                       {"Size", human_size(row.size)},
                       {"UsageCount", ""}});
}

struct Rows {
  Json images = Json::array();
  Json containers = Json::array();
  Json volumes = Json::array();
  Json cache = Json::array();
};

Rows rows_of(const DiskUsage& usage, const CacheRows& cache, bool full) {
  Rows rows;
  for (const auto& row : usage.images) rows.images.push(image_json(row, full));
  for (auto row : usage.containers) {
    row.size_root_fs = 0;  // shown with the image
    rows.containers.push(container_row_json(row, full, true));
  }
  for (const auto& row : usage.volumes) rows.volumes.push(volume_json(row));
  for (const auto& row : cache) rows.cache.push(cache_json(row));
  return rows;
}

constexpr TableField kImageFields[] = {{"Repository", "REPOSITORY"},
                                       {"Tag", "TAG"},
                                       {"ID", "IMAGE ID"},
                                       {"CreatedSince", "CREATED"},
                                       {"VirtualSize", "SIZE"},
                                       {"SharedSize", "SHARED SIZE"},
                                       {"UniqueSize", "UNIQUE SIZE"},
                                       {"Containers", "CONTAINERS"}};
constexpr TableField kContainerFields[] = {
    {"ID", "CONTAINER ID"}, {"Image", "IMAGE"},
    {"Command", "COMMAND"}, {"LocalVolumes", "LOCAL VOLUMES"},
    {"Size", "SIZE"},       {"RunningFor", "CREATED"},
    {"Status", "STATUS"},   {"Names", "NAMES"}};
constexpr TableField kVolumeFields[] = {
    {"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}};
constexpr TableField kCacheFields[] = {
    {"ID", "CACHE ID"},          {"CacheType", "CACHE TYPE"},    {"Size", "SIZE"},
    {"CreatedSince", "CREATED"}, {"LastUsedSince", "LAST USED"}, {"UsageCount", "USAGE"},
    {"Shared", "SHARED"}};
constexpr TableField kDiskFields[] = {
    {"OnDisk", "ON DISK"}, {"Saved", "SAVED BY LINKS"}, {"Unreachable", "UNREACHABLE"}};

/// A table of all `fields`, in their order.
Result<std::string> table_text(std::span<const TableField> fields, const Json& rows) {
  std::string format = "table ";
  for (const auto& field : fields) {
    if (format.size() > 6) format += '\t';
    format += fmt::format("{{{{.{}}}}}", field.name);
  }
  auto table = TRY(Table::create({.go_type = "",
                                  .default_format = format,
                                  .quiet_format = "",
                                  .raw_format = "",
                                  .raw_quiet_format = "",
                                  .fields = fields},
                                 ""));
  for (const auto& row : rows.as_array()) TRY(table.add(row));
  return table.finish();
}

Json disk_json(const LayerDiskUsage& disk) {
  return Json::object({{"OnDisk", human_size(disk.on_disk)},
                       {"Saved", human_size(disk.saved_by_links)},
                       {"Unreachable", human_size(disk.unreachable)}});
}

Result<std::string> verbose_tables(const DiskUsage& usage, const CacheRows& cache,
                                   const LayerDiskUsage& disk) {
  auto rows = rows_of(usage, cache, /*full=*/false);
  std::string text = "Images space usage:\n\n" + TRY(table_text(kImageFields, rows.images));
  text += "\nContainers space usage:\n\n" + TRY(table_text(kContainerFields, rows.containers));
  text += "\nLocal Volumes space usage:\n\n" + TRY(table_text(kVolumeFields, rows.volumes));
  text += fmt::format("\nBuild cache usage: {}\n\n", human_size(summary_of_cache(cache).size)) +
          TRY(table_text(kCacheFields, rows.cache));
  text += "\nLayers on disk:\n\n" + TRY(table_text(kDiskFields, Json::array({disk_json(disk)})));
  return text;
}

/// A template sees everything at once.
Result<std::string> verbose_template(const DiskUsage& usage, const CacheRows& cache,
                                     const std::string& format) {
  auto rows = rows_of(usage, cache, /*full=*/true);
  auto data = Json::object({{"Images", std::move(rows.images)},
                            {"Containers", std::move(rows.containers)},
                            {"Volumes", std::move(rows.volumes)},
                            {"BuildCache", std::move(rows.cache)}});
  auto parsed = GoTemplate::parse(format == "json" ? "{{json .}}" : format);
  if (!parsed) return template_error(std::move(parsed).error());
  std::string text;
  auto done = parsed->execute(data, text);
  if (!done) return template_error(std::move(done).error());
  return text;
}

Result<int> run(Options& o, Call& call) {
  auto engine = engine_options(call);
  auto usage = disk_usage(engine);
  if (!usage) return from_daemon(std::move(usage).error());
  auto cache = TRY(build_cache(engine, {"type=exec.cachemount", "type=blob"}));
  bool as_tables = o.format.empty() || o.format.starts_with("table");
  std::string text;
  if (!o.verbose) {
    text = TRY(summary_text(*usage, cache, o.format));
  } else if (as_tables) {
    auto disk = TRY(layer_disk_usage(engine));
    text = TRY(verbose_tables(*usage, cache, disk));
  } else {
    text = TRY(verbose_template(*usage, cache, o.format));
  }
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_system_df

Command system_df_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS]",
      .summary = "Show disk usage of images, containers and volumes",
      .description =
          "Shows how much space images, containers and volumes take, as docker counts: the size of "
          "every layer once, and as reclaimable what `system prune -a` would free. With -v each of "
          "them by itself, and what the layers really take on the disk: equal files in several "
          "layers are one file with several names.",
      .arity = no_operands(),
      .make = action<cmd_system_df::Options, cmd_system_df::add_flags, cmd_system_df::run>};
}

}  // namespace strata::cli
