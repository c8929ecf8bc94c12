#include "cli/commands.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_diff {
namespace {

Result<int> run(Call& call) {
  if (call.args[0].empty())
    return Error(ErrorCode::InvalidArgument, "Container name cannot be empty");
  auto changes = container_changes(engine_options(call), call.args[0]);
  if (!changes) return from_daemon(std::move(changes).error());
  std::string text;
  for (const auto& [kind, path] : *changes) text.append({kind, ' '}).append(path).push_back('\n');
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_diff

Command diff_command(std::string_view path) {
  return {.path = path,
          .operands = "CONTAINER",
          .summary = "Inspect changes to files or directories on a container's filesystem",
          .description =
              "Lists what the container changed in the files of its image: A added, C changed, D "
              "deleted, sorted by path. Only its writable layer is looked at, so the time it takes "
              "depends on the changes, not on the image.",
          .arity = exactly(1),
          .make = action<cmd_diff::run>,
          .large_heap = true};
}

}  // namespace strata::cli
