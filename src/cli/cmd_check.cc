#include "cli/commands.h"
#include "cli/report.h"
#include "engine/check.h"
#include "image/json.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_check {
namespace {

struct Options {
  bool repair = false;
  bool json = false;
  std::string from;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.from, "from", 0, "Restore lost layers and configs from an archive or a layout");
  f.add(o.json, "json", 0, "Print one JSON object for each finding");
  f.add(o.repair, "repair", 0, "Restore what can be restored and remove leftovers");
}

std::string json_text(const CheckLine& line) {
  return Json::object({{"State", line.state},
                       {"Path", line.path},
                       {"Problem", line.what},
                       {"Repair", line.remedy},
                       {"Images", Json::strings(line.images)}})
      .dump();
}

std::string plain_text(const CheckLine& line) {
  auto text = fmt::format("{} {}: {}", line.state, line.path, line.what);
  std::string images;
  for (const auto& image : line.images) images += (images.empty() ? "" : ", ") + image;
  if (!images.empty()) text += fmt::format(" (image {})", images);
  return text + ": " + line.remedy;
}

Result<int> run(Options& o, Call& call) {
  auto result = check(engine_options(call), call.args, o.repair, o.from);
  if (!result) return from_daemon(std::move(result).error());
  for (const auto& line : result->lines)
    fmt::print(call.out, "{}\n", o.json ? json_text(line) : plain_text(line));
  if (!o.json)
    fmt::print(call.out, "{} images, {} layers, {} read: {}\n", result->images, result->layers,
               human_size(result->bytes),
               result->lines.empty() ? "clean" : fmt::format("{} findings", result->lines.size()));
  return result->status;
}

}  // namespace
}  // namespace cmd_check

Command check_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] [IMAGE...]",
      .summary = "Check the store or some images, and repair them",
      .description =
          "Reads every config, every layer and every file of the store and compares them with "
          "their digests, and all that names something with what is there. Each finding is a "
          "line: what is wrong, which images it concerns, and what repairs it.\n\nWith --repair "
          "that is done. Nothing that could be restored is deleted: what cannot be used any "
          "more is moved to strata/quarantine in the data-root. Without it the store is only "
          "read, also while a dockerd runs on it.",
      .make = action<cmd_check::Options, cmd_check::add_flags, cmd_check::run>,
      .exit_status = "0 clean, 1 repaired or repairable, 2 damage is left.",
      .large_heap = true};
}

}  // namespace strata::cli
