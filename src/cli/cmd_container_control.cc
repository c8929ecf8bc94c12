#include "cli/commands.h"
#include "cli/each_container.h"
#include "cli/report.h"
#include "cli/table.h"
#include "engine/container_control.h"

namespace strata::cli {
namespace cmd_container_control {
namespace {

struct NoOptions {};
void add_none(FlagSet& /*f*/, NoOptions& /*o*/) {}
void add_top_flags(FlagSet& f, NoOptions& /*o*/) { f.stop_at_first_operand(); }

Result<int> pause(NoOptions& /*o*/, Call& call) {
  return for_each_container(
      call, [&](const std::string& name) { return pause_container(engine_options(call), name); });
}

Result<int> unpause(NoOptions& /*o*/, Call& call) {
  return for_each_container(
      call, [&](const std::string& name) { return unpause_container(engine_options(call), name); });
}

struct RestartOptions {
  std::optional<std::int64_t> seconds;
};

void add_restart_flags(FlagSet& f, RestartOptions& o) {
  f.add(o.seconds, "time", 't',
        "Seconds to wait for stop before killing the container (default 10)");
}

Result<int> restart(RestartOptions& o, Call& call) {
  return for_each_container(call, [&](const std::string& name) {
    return restart_container(engine_options(call), name, o.seconds, [&](std::string_view line) {
      fmt::print(call.err, "WARNING: {}\n", line);
    });
  });
}

Result<int> rename(NoOptions& /*o*/, Call& call) {
  if (call.args[0].empty() || call.args[1].empty())
    return Error(ErrorCode::InvalidArgument, "Error: Neither old nor new names may be empty");
  auto renamed = rename_container(engine_options(call), call.args[0], call.args[1]);
  if (renamed) return 0;
  fmt::print(call.err, "{}\n", from_daemon(std::move(renamed).error()).message());
  fmt::print(call.err, "Error: failed to rename container named {}\n", call.args[0]);
  return 1;
}

Result<int> top(NoOptions& /*o*/, Call& call) {
  auto processes =
      container_top(engine_options(call), call.args[0], {call.args.begin() + 1, call.args.end()});
  if (!processes) return from_daemon(std::move(processes).error());
  std::string text;
  auto add = [&text](const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); i++) text += (i == 0 ? "" : "\t") + words[i];
    text += '\n';
  };
  add(processes->titles);
  for (const auto& row : processes->rows) add(row);
  constexpr std::size_t kWidth = 20;
  constexpr std::size_t kPadding = 3;
  text = align_columns(text, kWidth, kPadding);
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_container_control

Command pause_command(std::string_view path) {
  using namespace cmd_container_control;
  return {.path = path,
          .operands = "CONTAINER [CONTAINER...]",
          .summary = "Pause all processes within one or more containers",
          .arity = at_least(1),
          .make = action<NoOptions, add_none, pause>};
}

Command unpause_command(std::string_view path) {
  using namespace cmd_container_control;
  return {.path = path,
          .operands = "CONTAINER [CONTAINER...]",
          .summary = "Unpause all processes within one or more containers",
          .arity = at_least(1),
          .make = action<NoOptions, add_none, unpause>};
}

Command restart_command(std::string_view path) {
  using namespace cmd_container_control;
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [CONTAINER...]",
          .summary = "Restart one or more containers",
          .description =
              "Stops containers that run, as `stop` does, and starts them in the "
              "background.",
          .arity = at_least(1),
          .make = action<RestartOptions, add_restart_flags, restart>};
}

Command rename_command(std::string_view path) {
  using namespace cmd_container_control;
  return {.path = path,
          .operands = "CONTAINER NEW_NAME",
          .summary = "Rename a container",
          .arity = exactly(2),
          .make = action<NoOptions, add_none, rename>};
}

Command top_command(std::string_view path) {
  using namespace cmd_container_control;
  return {.path = path,
          .operands = "CONTAINER [ps OPTIONS]",
          .summary = "Display the running processes of a container",
          .description =
              "Shows what the host's ps shows of the container's processes; without "
              "options as with -ef.",
          .arity = at_least(1),
          .make = action<NoOptions, add_top_flags, top>};
}

}  // namespace strata::cli
