#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace {

struct Options {
  std::string format;
  bool size = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 'f', "Format the output using the given Go template");
  f.add(o.size, "size", 's', "Display total file sizes");
}

Result<int> run(Options& o, Call& call) {
  return print_inspection(call, o.format, [&](const std::string& name) {
    return inspect_container(engine_options(call), name, o.size);
  });
}

}  // namespace

Command container_inspect_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Display detailed information on one or more containers",
          .arity = at_least(1),
          .make = action<Options, add_flags, run>};
}

}  // namespace strata::cli
