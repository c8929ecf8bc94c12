#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/io.h"
#include "base/temp_dir.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/archives.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_save {
namespace {

struct Options {
  std::string output;
  std::string format = "docker";
  std::string since;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.format, "format", 0,
        "Form of the output: docker, docker-archive, oci, or oci-dir (a directory)");
  f.add(o.output, "output", 'o', "Write to a file, instead of STDOUT");
  f.add(o.since, "since", 0, "Leave out the layers of this image, which the reader must have");
}

Result<SaveRequest::Form> parse_form(std::string_view text) {
  if (text == "docker") return SaveRequest::Form::Docker;
  if (text == "docker-archive") return SaveRequest::Form::DockerArchive;
  if (text == "oci" || text == "oci-dir") return SaveRequest::Form::Oci;
  return Error(ErrorCode::InvalidArgument, fmt::format("save: unknown format \"{}\"", text));
}

/// The parent directory of a path, opened, and the path's last component.
struct Place {
  UniqueFd parent;
  std::string name;
};

/// Checks the path as docker's client does.
Result<Place> find_place(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto slash = path.rfind('/');
  std::string parent =
      slash == std::string::npos ? "." : path.substr(0, std::max(slash, std::size_t{1}));
  TRY(check_output_path(path).context("failed to save image"));
  Place place;
  place.parent = TRY(open_dir(AT_FDCWD, parent));
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  return place;
}

Result<void> save_stream(const Options& o, const EngineOptions& engine,
                         const SaveRequest& request) {
  if (!o.output.empty()) TRY(find_place(o.output));
  auto file = TRY(OutputFile::open(o.output));
  auto write = [&](std::string_view bytes) { return file.write(bytes); };
  auto saved = save_images(engine, request, write);
  if (!saved) return from_daemon(std::move(saved).error());
  return file.finish();
}

Result<void> save_layout(const Options& o, const EngineOptions& engine,
                         const SaveRequest& request) {
  auto place = TRY(find_place(o.output));
  int parent = place.parent.get();
  auto old = open_dir(parent, place.name);
  if (!old && old.error().code() != ErrorCode::NotFound) return std::move(old).error();
  if (old && !TRY(list_dir(old->get())).empty())
    return Error::from_errno(ENOTEMPTY, "save " + o.output);
  auto dir = TRY(TempDir::create(parent, ".strata-save-"));
  auto saved = save_images_into(engine, request, dir.fd());
  if (!saved) return from_daemon(std::move(saved).error());
  if (::fchmod(dir.fd(), 0755) < 0) return Error::from_errno(errno, "chmod " + o.output);
  if (old) ::unlinkat(parent, place.name.c_str(), AT_REMOVEDIR);
  return dir.publish(parent, place.name).context("save {}", o.output);
}

Result<void> save(const Options& o, const EngineOptions& engine, const SaveRequest& request) {
  if (o.format == "oci-dir") return save_layout(o, engine, request);
  return save_stream(o, engine, request);
}

Result<int> run(Options& o, Call& call) {
  SaveRequest request;
  request.form = TRY(parse_form(o.format));
  request.images = call.args;
  request.since = o.since;
  if (o.output.empty() && o.format == "oci-dir")
    return Error(ErrorCode::InvalidArgument, "save: --format oci-dir needs -o DIR");
  Interrupt interrupt;
  Progress progress;
  request.progress = [&](std::int64_t bytes) {
    progress.update([&] { return fmt::format("saving: {}", human_size(bytes)); });
  };
  auto engine = engine_options(call);
  engine.stop = interrupt.token();
  auto saved = save(o, engine, request);
  progress.clear();
  if (!saved && interrupt.exit_code() != 0) {
    fmt::print(call.err, "save cancelled\n");
    return interrupt.exit_code();
  }
  TRY(std::move(saved));
  return 0;
}

}  // namespace
}  // namespace cmd_save

Command save_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] IMAGE [IMAGE...]",
          .summary = "Save one or more images to a tar archive (streamed to STDOUT by default)",
          .description =
              "Writes images with their names and layers as one tar: a docker archive and an OCI "
              "layout in one, as docker does since version 25. A repository without a tag stands "
              "for all its tags. A layer that several images have is written once. The same "
              "images give the same bytes.\n\nWith --since IMAGE, the layers of that image are "
              "left out: what is written can only be loaded where they are.",
          .arity = at_least(1),
          .make = action<cmd_save::Options, cmd_save::add_flags, cmd_save::run>,
          .large_heap = true};
}

}  // namespace strata::cli
