#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/files.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_export {
namespace {

struct Options {
  std::string output;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.output, "output", 'o', "Write to a file, instead of STDOUT");
}

Result<int> run(Options& o, Call& call) {
  if (!o.output.empty()) TRY(check_output_path(o.output).context("failed to export container"));
  auto file = TRY(OutputFile::open(o.output));
  Interrupt interrupt;
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  Progress progress;
  std::int64_t bytes = 0;
  auto write = [&](std::string_view piece) {
    bytes += static_cast<std::int64_t>(piece.size());
    progress.update([&] { return fmt::format("exporting: {}", human_size(bytes)); });
    return file.write(piece);
  };
  auto done = export_container(engine, call.args[0], write);
  progress.clear();
  if (!done && interrupt.exit_code() != 0) return interrupt.exit_code();
  if (!done) return from_daemon(std::move(done).error());
  TRY(file.finish());
  return 0;
}

}  // namespace
}  // namespace cmd_export

Command export_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER",
          .summary = "Export a container's filesystem as a tar archive",
          .description =
              "Writes all files of a container, of its image and its own, as one tar. Volumes and "
              "other mounts are not part of it. With -o the file appears only when it is complete.",
          .arity = exactly(1),
          .make = action<cmd_export::Options, cmd_export::add_flags, cmd_export::run>,
          .large_heap = true};
}

}  // namespace strata::cli
