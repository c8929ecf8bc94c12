#include "cli/commands.h"
#include "cli/report.h"
#include "engine/images.h"

namespace strata::cli {
namespace cmd_tag {
namespace {

Result<int> run(Call& call) {
  auto tagged = tag_image(engine_options(call), call.args[0], call.args[1]);
  if (!tagged && tagged.error().message().starts_with("Error parsing reference"))
    return std::move(tagged).error();  // of the client, in docker
  if (!tagged) return from_daemon(std::move(tagged).error());
  return 0;
}

}  // namespace
}  // namespace cmd_tag

Command tag_command(std::string_view path) {
  return {.path = path,
          .operands = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
          .summary = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
          .arity = exactly(2),
          .make = action<cmd_tag::run>};
}

}  // namespace strata::cli
