#include <unistd.h>

#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_run {
namespace {

constexpr int kNotStarted = 125;

struct Options {
  ContainerFlags container;
  bool proxy_signals = true;
  std::string detach_keys;
};

void add_flags(FlagSet& f, Options& o) {
  add_container_flags(f, o.container);
  f.add(o.container.options.detach, "detach", 'd',
        "Run container in background and print container ID");
  f.add(o.proxy_signals, "sig-proxy", 0, "Proxy received signals to the process");
  f.add(o.detach_keys, "detach-keys", 0, "Override the key sequence for detaching a container")
      .hidden();
}

/// docker names itself before what stops `run`, and offers help if nothing was created yet.
int refuse(Call& call, const Error& error, bool with_help) {
  std::string text = error.message();
  if (!text.ends_with('.')) text += '.';
  if (with_help) text += fmt::format("\nSee '{} {} --help'.", call.program.name, call.command.path);
  fmt::print(call.err, "{}: {}\n", call.program.name, text);
  return failed_run_exit_code(error.message());
}

Result<void> check(const Options& o) {
  const auto& options = o.container.options;
  if (options.detach && !options.attach.empty())
    return Error(ErrorCode::InvalidArgument, "Conflicting options: -a and -d");
  return {};
}

Result<int> run(Options& o, Call& call) {
  TRY(check(o));
  const auto& options = o.container.options;
  if (options.tty && options.interactive && !options.detach && ::isatty(STDIN_FILENO) == 0)
    return Error(ErrorCode::InvalidArgument, "the input device is not a TTY");
  if (auto checked = check_container_flags(call, o.container); !checked) {
    refuse(call, checked.error(), true);
    return kNotStarted;
  }
  o.container.options.starts_now = true;
  auto id = create_from_flags(call, o.container);
  if (!id) return refuse(call, id.error(), true);

  auto engine = engine_options(call);
  auto warn = [&](std::string_view line) { fmt::print(call.err, "WARNING: {}\n", line); };
  if (options.detach) {
    // The ID is printed first, as docker does: the container exists even if it cannot be started.
    auto started = start_container(engine, *id, warn);
    fmt::print(call.out, "{}\n", *id);
    std::fflush(call.out);
    if (!started) return refuse(call, from_daemon(std::move(started).error()), false);
    return 0;
  }
  AttachRequest request;
  request.container = *id;
  request.stdin_fd = STDIN_FILENO;
  request.stdout_fd = STDOUT_FILENO;
  request.stderr_fd = STDERR_FILENO;
  request.attach_as_created = true;
  request.proxy_signals = o.proxy_signals;
  auto exit_code = run_container(engine, request, warn);
  if (!exit_code) return refuse(call, from_daemon(std::move(exit_code).error()), false);
  return *exit_code;
}

}  // namespace
}  // namespace cmd_run

Command run_command(std::string_view path) {
  return {
      .path = path,
      .operands = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
      .summary = "Run a command in a new container",
      .description =
          "Makes a container on an image and starts it. In the foreground its output is copied to "
          "the terminal and its life ends with that of this command; with -d conmon looks after "
          "it.\n\nA container has the host's network unless --network none is given.",
      .arity = at_least(1),
      .make = action<cmd_run::Options, cmd_run::add_flags, cmd_run::run>,
      .exit_status =
          "In the foreground that of the container's program; 125 if it could not be "
          "created or started, 126 if its program cannot be executed, 127 if there is "
          "no such program."};
}

}  // namespace strata::cli
