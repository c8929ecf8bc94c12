#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/report.h"
#include "engine/containers.h"
#include "engine/images.h"

namespace strata::cli {
namespace cmd_inspect {
namespace {

struct Options {
  std::string format;
  std::string type;
  bool size = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 'f', "Format the output using the given Go template");
  f.add(o.size, "size", 's', "Display total file sizes if the type is container");
  f.add(o.type, "type", 0, "Return JSON for specified type");
}

/// A name may be that of a container and of an image: the container wins.
Result<Json> inspect_any(const Options& o, const Call& call, const std::string& name) {
  auto engine = engine_options(call);
  if (o.type == "image") return inspect_image(engine, name);
  auto container = inspect_container(engine, name, o.size);
  if (container || !o.type.empty() || container.error().code() != ErrorCode::NotFound)
    return container;
  auto image = inspect_image(engine, name);
  if (!image && image.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::NotFound, "No such object: " + name);
  return image;
}

Result<int> run(Options& o, Call& call) {
  if (!o.type.empty() && o.type != "container" && o.type != "image")
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("\"{}\" is not a valid value for --type", o.type));
  return print_inspection(call, o.format,
                          [&](const std::string& name) { return inspect_any(o, call, name); });
}

}  // namespace
}  // namespace cmd_inspect

Command inspect_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] NAME|ID [NAME|ID...]",
      .summary = "Return low-level information on containers and images",
      .description = "Shows containers and images as docker does; --type is container or image.",
      .arity = at_least(1),
      .make = action<cmd_inspect::Options, cmd_inspect::add_flags, cmd_inspect::run>};
}

}  // namespace strata::cli
