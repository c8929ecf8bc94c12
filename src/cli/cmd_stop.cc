#include "cli/commands.h"
#include "cli/each_container.h"
#include "cli/report.h"
#include "engine/container_run.h"

namespace strata::cli {
namespace cmd_stop {
namespace {

struct StopOptions {
  std::optional<std::int64_t> seconds;
};

void add_stop_flags(FlagSet& f, StopOptions& o) {
  f.add(o.seconds, "time", 't', "Seconds to wait for stop before killing it (default 10)");
}

Result<int> stop(StopOptions& o, Call& call) {
  return for_each_container(call, [&](const std::string& name) {
    return stop_container(engine_options(call), name, o.seconds);
  });
}

struct KillOptions {
  std::string signal = "KILL";
};

void add_kill_flags(FlagSet& f, KillOptions& o) {
  f.add(o.signal, "signal", 's', "Signal to send to the container");
}

Result<int> kill(KillOptions& o, Call& call) {
  return for_each_container(call, [&](const std::string& name) {
    return kill_container(engine_options(call), name, o.signal);
  });
}

}  // namespace
}  // namespace cmd_stop

Command stop_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Stop one or more running containers",
          .description =
              "Sends a container its stop signal (SIGTERM unless its image or create "
              "say otherwise) and, if it does not end in time, SIGKILL.",
          .arity = at_least(1),
          .make = action<cmd_stop::StopOptions, cmd_stop::add_stop_flags, cmd_stop::stop>};
}

Command kill_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Kill one or more running containers",
          .arity = at_least(1),
          .make = action<cmd_stop::KillOptions, cmd_stop::add_kill_flags, cmd_stop::kill>};
}

}  // namespace strata::cli
