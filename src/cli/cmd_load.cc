#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/archives.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_load {
namespace {

struct Options {
  std::string input;
  bool quiet = false;
  std::int64_t max_layer_size = 0;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.input, "input", 'i', "Read from tar archive file, instead of STDIN");
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        o.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0, "Refuse layers that are larger without compression");
  f.add(o.quiet, "quiet", 'q', "Suppress the load output");
}

Result<UniqueFd> open_input(const std::string& path) {
  if (path.empty()) {
    if (::isatty(STDIN_FILENO) != 0)
      return Error(ErrorCode::InvalidArgument, "requested load from stdin, but stdin is empty");
    return duplicate(STDIN_FILENO);
  }
  return open_at(AT_FDCWD, path, O_RDONLY);
}

void print_loaded(const std::vector<LoadedImage>& images, std::FILE* out) {
  for (const auto& image : images) {
    for (const auto& [name, id] : image.renamed)
      fmt::print(out,
                 "The image {} already exists, renaming the old one with ID {} to empty string\n",
                 name, id.str());
    for (const auto& name : image.names) fmt::print(out, "Loaded image: {}\n", name);
    if (image.names.empty()) fmt::print(out, "Loaded image ID: {}\n", image.id.str());
  }
}

Result<int> run(Options& o, Call& call) {
  auto input = TRY(open_input(o.input));
  Interrupt interrupt;
  Progress progress;
  LoadRequest request;
  request.source_name = o.input.empty() ? "-" : o.input;
  request.max_layer_size = o.max_layer_size;
  auto show = [&progress](const char* what) {
    return [&progress, what](std::int64_t bytes) {
      progress.update([&] { return fmt::format("{}: {}", what, human_size(bytes)); });
    };
  };
  if (!o.quiet) {
    request.copied = show("reading");
    request.progress = show("loading");
  }
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  auto images = load_images(engine, request, std::move(input));
  progress.clear();
  if (!images && interrupt.exit_code() != 0) {
    fmt::print(call.err, "load cancelled\n");
    return interrupt.exit_code();
  }
  print_loaded(TRY(std::move(images)), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_load

Command load_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS]",
          .summary = "Load an image from a tar archive or STDIN",
          .description =
              "Loads all images and names of an archive that docker, podman, skopeo or Strata "
              "saved: a docker archive of any age or an OCI layout, as a tar (plain or "
              "compressed) or as a directory. Everything is verified first: an archive that is "
              "damaged changes nothing.",
          .arity = no_operands(),
          .make = action<cmd_load::Options, cmd_load::add_flags, cmd_load::run>,
          .large_heap = true};
}

}  // namespace strata::cli
