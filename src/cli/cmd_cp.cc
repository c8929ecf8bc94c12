#include <limits.h>
#include <unistd.h>

#include <array>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "engine/copy.h"

namespace strata::cli {
namespace cmd_cp {
namespace {

struct Options {
  bool archive = false;
  bool follow_link = false;
  bool quiet = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.archive, "archive", 'a', "Archive mode (copy all uid/gid information)");
  f.add(o.follow_link, "follow-link", 'L', "Always follow symbol link in SRC_PATH");
  f.add(o.quiet, "quiet", 'q', "Accepted for docker's sake: nothing is shown anyway");
}

struct Side {
  std::string container;  // empty: this machine
  std::string path;
};

/// docker's rule: "name:path", but what begins with "/" or "." is a path of this machine.
Side side(const std::string& text) {
  if (text.starts_with('/') || text.starts_with('.')) return {"", text};
  auto colon = text.find(':');
  if (colon == std::string::npos) return {"", text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Absolute, with the slash or "/." at its end.
std::string absolute(const std::string& path) {
  std::array<char, PATH_MAX> here{};
  if (path.starts_with('/') || ::getcwd(here.data(), here.size()) == nullptr) return path;
  return std::string(here.data()) + "/" + path;
}

/// docker's client finds most of what is wrong by itself.
Error as_docker_says(Error error) {
  if (error.message().starts_with("No such container:path:")) error.add_context("Error");
  return error.code() == ErrorCode::Conflict ? from_daemon(std::move(error)) : std::move(error);
}

Result<void> copy_in(const EngineOptions& engine, const CopyFilesRequest& request,
                     const std::string& local) {
  if (local != "-") return copy_to_container(engine, request);
  FdSource tar(STDIN_FILENO);
  return copy_tar_to_container(engine, request, tar);
}

Result<void> copy_out(const EngineOptions& engine, const CopyFilesRequest& request,
                      const std::string& local) {
  if (local != "-") return copy_from_container(engine, request);
  return copy_from_container_as_tar(
      engine, request, [](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes); });
}

Result<int> run(Options& o, Call& call) {
  const Side from = side(call.args[0]);
  const Side to = side(call.args[1]);
  if (from.path.empty()) return Error(ErrorCode::InvalidArgument, "source can not be empty");
  if (to.path.empty()) return Error(ErrorCode::InvalidArgument, "destination can not be empty");
  if (!from.container.empty() && !to.container.empty())
    return Error(ErrorCode::Unsupported, "copying between containers is not supported");
  if (from.container.empty() && to.container.empty())
    return Error(ErrorCode::InvalidArgument, "must specify at least one container source");
  const bool inward = from.container.empty();
  const Side& inside = inward ? to : from;
  const std::string& local = (inward ? from : to).path;
  CopyFilesRequest request{inside.container, inside.path, absolute(local), o.follow_link,
                           o.archive};
  auto engine = engine_options(call);
  auto done = inward ? copy_in(engine, request, local) : copy_out(engine, request, local);
  if (!done) return as_docker_says(std::move(done).error());
  return 0;
}

}  // namespace
}  // namespace cmd_cp

Command cp_command(std::string_view path) {
  return {.path = path,
          .operands =
              "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tstrata cp [OPTIONS] SRC_PATH|- "
              "CONTAINER:DEST_PATH",
          .summary = "Copy files/folders between a container and the local filesystem",
          .description =
              "Copies files out of a container or into it; it may run or not. \"-\" as the "
              "destination writes a tar to standard output, as the source it takes one from "
              "standard input. A directory is copied with all below "
              "it; \"dir/.\" means what is in it. No link in a container leads out of it.",
          .arity = exactly(2),
          .make = action<cmd_cp::Options, cmd_cp::add_flags, cmd_cp::run>};
}

}  // namespace strata::cli
