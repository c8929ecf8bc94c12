#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/images.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_layers {
namespace {

struct Options {
  bool full = false;
  bool quiet = false;
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 0, "Print with a Go template instead of the report");
  f.add(o.full, "no-trunc", 0, "Don't truncate output");
  f.add(o.quiet, "quiet", 'q', "Only show the DiffIDs");
}

constexpr TableField kFields[] = {
    {"Index", "LAYER"},          {"DiffID", "DIFF ID"},      {"ChainID", "CHAIN ID"},
    {"CacheID", "CACHE ID"},     {"Directory", "DIRECTORY"}, {"Size", "SIZE"},
    {"OnDisk", "ON DISK"},       {"Linked", "LINKED"},       {"Files", "FILES"},
    {"CreatedBy", "CREATED BY"}, {"SharedBy", "SHARED BY"},
};

constexpr TableSpec kTable = {
    .go_type = "*formatter.layerContext",
    .default_format = "table {{.Index}}\t{{.DiffID}}\t{{.Size}}\t{{.OnDisk}}\t{{.CreatedBy}}",
    .quiet_format = "{{.DiffID}}",
    .raw_format = "",
    .raw_quiet_format = "",
    .fields = kFields,
};

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string instruction(const LayerLine& line, bool full) {
  std::string text = line.created_by.empty() ? "(not recorded)" : line.created_by;
  return full ? text : ellipsis(text, 72);
}

Json row_json(const LayerLine& line, std::size_t index, bool full) {
  auto id = [&](const std::string& text) { return full ? text : short_id(text); };
  return Json::object({
      {"CacheID", id(line.cache_id)},
      {"ChainID", id(line.chain_id.str())},
      {"CreatedBy", instruction(line, full)},
      {"DiffID", id(line.diff_id.str())},
      {"Directory", line.directory},
      {"Files", std::to_string(line.files)},
      {"Index", std::to_string(index)},
      {"Linked", human_size(line.linked_bytes)},
      {"OnDisk", human_size(line.disk_bytes)},
      {"SharedBy", joined(line.shared_by)},
      {"Size", human_size(line.size)},
  });
}

/// The stack as a person reads it: one paragraph a layer, bottom first.
std::string report(const std::vector<LayerLine>& lines, bool full) {
  if (lines.empty()) return "The image has no layers.\n";
  std::string out;
  for (std::size_t i = 0; i < lines.size(); i++) {
    const auto& line = lines[i];
    std::string place = i == 0 ? " (bottom)" : i + 1 == lines.size() ? " (top)" : "";
    std::string linked = line.linked_bytes == 0
                             ? ""
                             : fmt::format(", {} of it shared with other layers by links",
                                           human_size(line.linked_bytes));
    out += fmt::format("{}Layer {} of {}{}: {}\n", i == 0 ? "" : "\n", i + 1, lines.size(), place,
                       instruction(line, full));
    out += fmt::format("  DiffID     {}\n", line.diff_id.str());
    out += fmt::format("  ChainID    {}\n", line.chain_id.str());
    out += fmt::format("  cache-id   {}\n", line.cache_id);
    out += fmt::format("  directory  {}\n", line.directory);
    out += fmt::format("  size       {} in {} files, {} on disk{}\n", human_size(line.size),
                       line.files, human_size(line.disk_bytes), linked);
    out += fmt::format("  shared by  {}\n",
                       line.shared_by.empty() ? "no other image" : joined(line.shared_by));
  }
  return out;
}

Result<int> run(Options& o, Call& call) {
  auto lines = layers(engine_options(call), call.args[0]);
  if (!lines) return from_daemon(std::move(lines).error());
  std::string text;
  if (o.format.empty() && !o.quiet) {
    text = report(*lines, o.full);
  } else {
    auto table = TRY(Table::create(kTable, o.format, o.quiet));
    for (std::size_t i = 0; i < lines->size(); i++)
      TRY(table.add(row_json((*lines)[i], i + 1, o.full || o.quiet)));
    text = TRY(table.finish());
  }
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_layers

Command layers_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] IMAGE",
      .summary = "Show the layers of an image and where they are on disk",
      .description =
          "Shows the stack of an image from bottom to top: for each layer its DiffID, ChainID, "
          "cache-id and directory, the size that docker counts and the space it takes on disk, "
          "the instruction that made it, and which other images have it too.\n\n"
          "Fields of --format: .Index .DiffID .ChainID .CacheID .Directory .Size .OnDisk .Linked "
          ".Files .CreatedBy .SharedBy",
      .arity = exactly(1),
      .make = action<cmd_layers::Options, cmd_layers::add_flags, cmd_layers::run>};
}

}  // namespace strata::cli
