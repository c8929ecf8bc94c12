#include <unistd.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "engine/container_control.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_exec {
namespace {

struct Options {
  ExecContainerRequest request;
  bool interactive = false;
  std::string detach_keys;
};

void add_flags(FlagSet& f, Options& o) {
  auto& r = o.request;
  f.stop_at_first_operand();
  f.add(r.detach, "detach", 'd', "Detached mode: run command in the background");
  f.add(o.detach_keys, "detach-keys", 0, "Override the key sequence for detaching a container")
      .hidden();
  f.add(r.env, "env", 'e', "Set environment variables").check([](std::string_view text) {
    return check_value(ContainerValue::Variable, std::string(text));
  });
  f.add(r.env_files, "env-file", 0, "Read in a file of environment variables");
  f.add(o.interactive, "interactive", 'i', "Keep STDIN open even if not attached");
  f.add(r.privileged, "privileged", 0, "Give extended privileges to the command");
  f.add(r.tty, "tty", 't', "Allocate a pseudo-TTY");
  f.add(r.user, "user", 'u', "Username or UID (format: <name|uid>[:<group|gid>])");
  f.add(r.workdir, "workdir", 'w', "Working directory inside the container");
}

Result<int> run(Options& o, Call& call) {
  auto& request = o.request;
  if (request.tty && o.interactive && !request.detach && ::isatty(STDIN_FILENO) == 0)
    return Error(ErrorCode::InvalidArgument, "the input device is not a TTY");
  request.container = call.args[0];
  request.command.assign(call.args.begin() + 1, call.args.end());
  if (!request.detach) {
    request.stdin_fd = o.interactive ? STDIN_FILENO : -1;
    request.stdout_fd = STDOUT_FILENO;
    request.stderr_fd = STDERR_FILENO;
  }
  auto executed = exec_container(engine_options(call), request);
  if (!executed) {
    auto error = std::move(executed).error();
    if (error.message().starts_with("No such container"))
      error.add_context("Error");
    else
      error = from_daemon(std::move(error));
    return error;
  }
  // docker has it where the program's output would have been.
  if (!executed->failure.empty()) fmt::print(call.out, "{}\r\n", executed->failure);
  return executed->exit_code;
}

}  // namespace
}  // namespace cmd_exec

Command exec_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER COMMAND [ARG...]",
          .summary = "Run a command in a running container",
          .description =
              "Runs one more program in a container, in its namespaces and limits, with its "
              "environment and its user unless the options say otherwise.",
          .arity = at_least(2),
          .make = action<cmd_exec::Options, cmd_exec::add_flags, cmd_exec::run>,
          .exit_status = "That of the program; 126 if it could not be started."};
}

}  // namespace strata::cli
