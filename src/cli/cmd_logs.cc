#include <unistd.h>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_logs {
namespace {

struct Options {
  ContainerLogsRequest request;
  bool timestamps = false;
  bool details = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.details, "details", 0, "Show extra details provided to logs");
  f.add(o.request.follow, "follow", 'f', "Follow log output");
  f.add(o.request.since, "since", 0,
        "Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 "
        "minutes)");
  f.add(o.request.tail, "tail", 'n', "Number of lines to show from the end of the logs");
  f.add(o.timestamps, "timestamps", 't', "Show timestamps");
  f.add(o.request.until, "until", 0,
        "Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 "
        "minutes)");
}

/// Always nine digits of fraction, so that the lines' texts stand below each other.
std::string fixed_width(const Time& time) {
  auto whole = Time{time.seconds, 0}.str();
  whole.pop_back();  // the Z
  return fmt::format("{}.{:09}Z", whole, time.nanoseconds);
}

Result<int> run(Options& o, Call& call) {
  o.request.container = call.args[0];
  auto printed = container_logs(engine_options(call), o.request, [&](const LogLine& line) {
    int fd = line.is_stderr ? STDERR_FILENO : STDOUT_FILENO;
    return write_all(fd, o.timestamps ? fixed_width(line.time) + " " + line.text : line.text);
  });
  if (printed) return 0;
  auto error = std::move(printed).error();
  if (error.sys_errno() == EPIPE) return 0;  // `logs | head`
  if (error.message().starts_with("invalid value for \""))
    return error;  // of the client, in docker
  if (error.code() != ErrorCode::NotFound) return from_daemon(std::move(error));
  error.add_context("Error");
  return error;
}

}  // namespace
}  // namespace cmd_logs

Command logs_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER",
          .summary = "Fetch the logs of a container",
          .description =
              "Prints what a container wrote to its standard output and standard error, "
              "to the same two.",
          .arity = exactly(1),
          .make = action<cmd_logs::Options, cmd_logs::add_flags, cmd_logs::run>};
}

}  // namespace strata::cli
