#include <unistd.h>

#include "cli/commands.h"
#include "cli/each_container.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_start {
namespace {

struct Options {
  bool attach = false;
  bool interactive = false;
  std::string detach_keys;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.attach, "attach", 'a', "Attach STDOUT/STDERR and forward signals");
  f.add(o.interactive, "interactive", 'i', "Attach container's STDIN");
  f.add(o.detach_keys, "detach-keys", 0, "Override the key sequence for detaching a container")
      .hidden();
}

Result<int> start_attached(const Options& o, Call& call) {
  if (call.args.size() > 1)
    return Error(ErrorCode::InvalidArgument,
                 "you cannot start and attach multiple containers at once");
  AttachRequest request;
  request.container = call.args[0];
  request.stdin_fd = o.interactive ? STDIN_FILENO : -1;
  request.stdout_fd = STDOUT_FILENO;
  request.stderr_fd = STDERR_FILENO;
  auto exit_code = run_container(engine_options(call), request, [&](std::string_view line) {
    fmt::print(call.err, "WARNING: {}\n", line);
  });
  if (exit_code) return *exit_code;
  auto error = std::move(exit_code).error();
  if (error.code() != ErrorCode::NotFound) return from_daemon(std::move(error));
  error.add_context("Error");
  return error;
}

Result<int> run(Options& o, Call& call) {
  if (o.attach || o.interactive) return start_attached(o, call);
  std::vector<std::string> failed;
  int exit_code = for_each_container(
      call,
      [&](const std::string& name) {
        return start_container(engine_options(call), name, [&](std::string_view line) {
          fmt::print(call.err, "WARNING: {}\n", line);
        });
      },
      &failed);
  std::string names;
  for (const auto& name : failed) names += (names.empty() ? "" : ", ") + name;
  if (exit_code != 0) fmt::print(call.err, "Error: failed to start containers: {}\n", names);
  return exit_code;
}

}  // namespace
}  // namespace cmd_start

Command start_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Start one or more stopped containers",
          .description = "Starts containers in the background, or with -a one in the foreground.",
          .arity = at_least(1),
          .make = action<cmd_start::Options, cmd_start::add_flags, cmd_start::run>,
          .exit_status = "With -a or -i that of the container's program."};
}

}  // namespace strata::cli
