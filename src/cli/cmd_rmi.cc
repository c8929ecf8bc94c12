#include "cli/commands.h"
#include "cli/report.h"
#include "engine/image_removal.h"

namespace strata::cli {
namespace cmd_rmi {
namespace {

struct Options {
  bool force = false;
  bool keep_parents = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.force, "force", 'f', "Force removal of the image");
  f.add(o.keep_parents, "no-prune", 0, "Do not delete untagged parents");
}

/// One that cannot be removed does not keep the others; what went wrong is told at the end.
Result<int> run(Options& o, Call& call) {
  auto removed = remove_images(engine_options(call), {call.args, o.force, !o.keep_parents});
  if (!removed) return from_daemon(std::move(removed).error());
  std::string errors;
  bool is_grave = false;  // more than an image that is not there
  for (auto& image : *removed) {
    for (const auto& line : image.lines)
      fmt::print(call.out, "{}: {}\n", line.deleted ? "Deleted" : "Untagged", line.text);
    if (image.done) continue;
    auto error = std::move(image.done).error();
    if (error.code() == ErrorCode::NotFound) {
      error.add_context("Error");
    } else {
      error = from_daemon(std::move(error));
      is_grave = true;
    }
    errors += error.message() + '\n';
  }
  std::fflush(call.out);
  fmt::print(call.err, "{}", errors);
  return errors.empty() || (o.force && !is_grave) ? 0 : 1;
}

}  // namespace
}  // namespace cmd_rmi

Command rmi_command(std::string_view path) {
  return {
      .path = path,
      .aliases = path == "image rm" ? "rmi remove" : "",
      .operands = "[OPTIONS] IMAGE [IMAGE...]",
      .summary = "Remove one or more images",
      .description =
          "An image that is given by a name loses that name; with its last name the image itself "
          "is removed, with all layers that no other image and no container needs, and with the "
          "images it was built from, as far as they have no name. An image that is given by its "
          "ID is removed with its name.",
      .arity = at_least(1),
      .make = action<cmd_rmi::Options, cmd_rmi::add_flags, cmd_rmi::run>};
}

}  // namespace strata::cli
