#include "cli/commands.h"
#include "cli/report.h"
#include "engine/pins.h"

namespace strata::cli {
namespace cmd_pin {
namespace {

/// One that is not there does not keep the others.
template <Result<void> (*act)(const EngineOptions&, std::string_view)>
Result<int> run(Call& call) {
  int exit_code = 0;
  for (const auto& name : call.args) {
    auto done = act(engine_options(call), name);
    if (done) {
      fmt::print(call.out, "{}\n", name);
      std::fflush(call.out);
      continue;
    }
    fmt::print(call.err, "{}\n", from_daemon(std::move(done).error()).message());
    exit_code = 1;
  }
  return exit_code;
}

}  // namespace
}  // namespace cmd_pin

Command pin_command(std::string_view path) {
  return {.path = path,
          .operands = "IMAGE [IMAGE...]",
          .summary = "Keep images from being removed",
          .description =
              "A pinned image is taken by no prune, and by `rmi` only with --force. What is pinned "
              "is the image that the name leads to now; it stays if the name goes to another "
              "one.\n\n`strata pins` lists pinned images, `strata unpin` takes the pin away.",
          .arity = at_least(1),
          .make = action<cmd_pin::run<pin_image>>};
}

Command unpin_command(std::string_view path) {
  return {.path = path,
          .operands = "IMAGE [IMAGE...]",
          .summary = "Take the pins off images",
          .arity = at_least(1),
          .make = action<cmd_pin::run<unpin_image>>};
}

}  // namespace strata::cli
