#include <unistd.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_attach {
namespace {

struct Options {
  std::string detach_keys;
  bool no_stdin = false;
  bool proxy_signals = true;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.detach_keys, "detach-keys", 0, "Override the key sequence for detaching a container");
  f.add(o.no_stdin, "no-stdin", 0, "Do not attach STDIN");
  f.add(o.proxy_signals, "sig-proxy", 0, "Proxy all received signals to the process");
}

Result<int> run(Options& o, Call& call) {
  AttachRequest request;
  request.container = call.args[0];
  request.stdin_fd = o.no_stdin ? -1 : STDIN_FILENO;
  request.stdout_fd = STDOUT_FILENO;
  request.stderr_fd = STDERR_FILENO;
  request.proxy_signals = o.proxy_signals;
  auto exit_code = attach_container(engine_options(call), request, o.detach_keys);
  if (exit_code && *exit_code) return **exit_code;
  if (exit_code) return Error(ErrorCode::Cancelled, "read escape sequence");
  auto error = std::move(exit_code).error();
  if (error.code() == ErrorCode::NotFound) error.add_context("Error");
  return error;
}

}  // namespace
}  // namespace cmd_attach

Command attach_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] CONTAINER",
      .summary = "Attach local standard input, output, and error streams to a running container",
      .description =
          "Shows what a container in the background writes from now on, and passes on what is "
          "typed and signals. With a terminal ctrl-p ctrl-q end this and leave the container "
          "as it is. What a container wrote before is shown by `logs`, and so is what one in "
          "the foreground of another `run` writes.",
      .arity = exactly(1),
      .make = action<cmd_attach::Options, cmd_attach::add_flags, cmd_attach::run>,
      .exit_status = "That of the container's program; 1 after the keys."};
}

}  // namespace strata::cli
