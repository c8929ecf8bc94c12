#include "cli/commands.h"
#include "cli/report.h"
#include "engine/containers.h"

namespace strata::cli {
namespace cmd_commit {
namespace {

void add_flags(FlagSet& f, CommitContainerRequest& o) {
  f.add(o.author, "author", 'a', "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")");
  f.add(o.changes, "change", 'c', "Apply Dockerfile instruction to the created image");
  f.add(o.comment, "message", 'm', "Commit message");
  f.add(o.pause, "pause", 'p', "Pause container during commit");
}

Result<int> run(CommitContainerRequest& o, Call& call) {
  o.container = call.args[0];
  if (call.args.size() > 1) o.reference = call.args[1];
  auto id = commit_container(engine_options(call), o);
  // A bad name is refused by docker's client.
  if (!id && id.error().message().starts_with("invalid reference format"))
    return std::move(id).error();
  if (!id) return from_daemon(std::move(id).error());
  fmt::print(call.out, "{}\n", id->str());
  return 0;
}

}  // namespace
}  // namespace cmd_commit

Command commit_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
          .summary = "Create a new image from a container's changes",
          .description =
              "Makes an image of the container's image and its writable layer, and prints its ID. "
              "Instructions for -c: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, "
              "STOPSIGNAL, USER, VOLUME, WORKDIR.",
          .arity = between(1, 2),
          .make = action<CommitContainerRequest, cmd_commit::add_flags, cmd_commit::run>,
          .large_heap = true};
}

}  // namespace strata::cli
