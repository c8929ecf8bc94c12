#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/report.h"
#include "engine/images.h"

namespace strata::cli {
namespace cmd_image_inspect {
namespace {

struct Options {
  std::string format;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 'f', "Format the output using the given Go template");
}

Result<int> run(Options& o, Call& call) {
  return print_inspection(call, o.format, [&](const std::string& name) {
    return inspect_image(engine_options(call), name);
  });
}

}  // namespace
}  // namespace cmd_image_inspect

Command image_inspect_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] IMAGE [IMAGE...]",
      .summary = "Display detailed information on one or more images",
      .arity = at_least(1),
      .make =
          action<cmd_image_inspect::Options, cmd_image_inspect::add_flags, cmd_image_inspect::run>};
}

}  // namespace strata::cli
