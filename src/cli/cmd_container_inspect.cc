#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_container_inspect {
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
}  // namespace cmd_container_inspect

Command container_inspect_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Display detailed information on one or more containers",
          .arity = at_least(1),
          .make = action<cmd_container_inspect::Options, cmd_container_inspect::add_flags,
                         cmd_container_inspect::run>};
}

}  // namespace strata::cli
