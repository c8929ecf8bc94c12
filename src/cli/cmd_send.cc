#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/send.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_send {
namespace {

struct Options {
  SendRequest request;
  bool quiet = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.quiet, "quiet", 'q', "Only print the IDs of the images");
  f.add(o.request.program, "remote-program", 0,
        "What is run on the other side, and its flags (\"strata --root /data\")");
}

Result<int> run(Options& o, Call& call) {
  auto& request = o.request;
  request.host = call.args[0];
  request.images.assign(call.args.begin() + 1, call.args.end());
  Interrupt interrupt;
  Progress progress;
  if (!o.quiet)
    request.progress = [&](std::int64_t bytes) {
      progress.update([&] { return fmt::format("sending: {}", human_size(bytes)); });
    };
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  auto result = send_images(engine, request);
  progress.clear();
  if (!result && interrupt.exit_code() != 0) {
    fmt::print(call.err, "send cancelled\n");
    return interrupt.exit_code();
  }
  auto sent = TRY(std::move(result));
  for (const auto& id : sent.ids) fmt::print(call.out, "{}{}\n", o.quiet ? "" : "Sent: ", id);
  if (!o.quiet)
    fmt::print(call.out, "Layers: {}, {} on the way\n", sent.layers, human_size(sent.bytes));
  return 0;
}

struct Receive {
  std::int64_t max_layer_size = 0;
};

void add_receive_flags(FlagSet& f, Receive& o) {
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        o.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0, "Refuse layers that are larger without compression");
}

Result<int> run_receive(Receive& o, Call& call) {
  // The sender has been told of an error, and tells its user.
  return receive_images(engine_options(call), o.max_layer_size) ? 0 : 1;
}

}  // namespace
}  // namespace cmd_send

Command send_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] USER@HOST IMAGE [IMAGE...]",
          .summary = "Send images to the store of another machine, by ssh",
          .description =
              "Runs strata on the other machine by ssh and gives it the layers that it lacks, "
              "rebuilt byte for byte and compressed on the way. The other side compares "
              "everything with its digest before it publishes anything: its store has all of the "
              "images and their names, or is as it was.\n\nA repository without a tag stands for "
              "all its tags. A port is written ssh://USER@HOST:PORT. The environment variable "
              "STRATA_SSH names a program to be run in place of ssh, with the host and the "
              "command as its arguments. There, strata must be in the PATH of the shell; "
              "--remote-program says another place, or flags.",
          .arity = at_least(2),
          .make = action<cmd_send::Options, cmd_send::add_flags, cmd_send::run>,
          .large_heap = true};
}

Command receive_command(std::string_view path) {
  using namespace cmd_send;
  return {.path = path,
          .operands = "",
          .summary = "The other side of send",
          .arity = no_operands(),
          .make = action<Receive, add_receive_flags, run_receive>,
          .hidden = true,
          .large_heap = true};
}

}  // namespace strata::cli
