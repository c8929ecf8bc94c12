#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <stop_token>

#include "base/interruptible_source.h"
#include "base/io.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/images.h"
#include "engine/url_source.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_import {
namespace {

struct Options {
  ImportRequest request;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.changes, "change", 'c', "Apply Dockerfile instruction to the created image");
  f.add_value(
      [&o](std::string_view text) -> Result<void> {
        o.request.max_layer_size = TRY(parse_ram_size(text));
        return {};
      },
      "bytes", "max-layer-size", 0, "Refuse a tar that is larger without compression");
  f.add(o.request.message, "message", 'm', "Set commit message for imported image");
  f.add(o.request.platform, "platform", 0, "Set platform if server is multi-platform capable");
}

/// Shows how far it was read.
class CountedSource final : public ByteSource {
 public:
  CountedSource(ByteSource& source, Progress& progress) : source_(source), progress_(progress) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    std::size_t n = TRY(source_.read(buffer));
    bytes_ += static_cast<std::int64_t>(n);
    progress_.update([&] { return fmt::format("importing: {}", human_size(bytes_)); });
    return n;
  }

 private:
  ByteSource& source_;
  Progress& progress_;
  std::int64_t bytes_ = 0;
};

/// What docker's progress messages come to where there is no terminal.
class UrlLines {
 public:
  UrlLines(std::string url, std::FILE* out) : url_(std::move(url)), out_(out) {}
  void begin(bool knows_length) {
    begun_ = true;
    open_ = !knows_length;
    fmt::print(out_, "Downloading from {}\n", url_);
  }
  void end(bool failed) {
    if (begun_ && (open_ || failed)) fmt::print(out_, "\n");
  }
  bool begun() const { return begun_; }

 private:
  std::string url_;
  std::FILE* out_;
  std::atomic<bool> begun_ = false;
  bool open_ = false;
};

Result<int> run(Options& o, Call& call) {
  const std::string& source = call.args[0];
  bool from_url = is_remote(source);
  o.request.source_name = from_url ? source : "-";  // docker's client sends a file as its input
  if (call.args.size() > 1) o.request.reference = call.args[1];
  UniqueFd file;
  if (source != "-" && !from_url) file = TRY(open_at(AT_FDCWD, source, O_RDONLY));
  Interrupt interrupt;
  Progress progress;
  UrlLines lines(source, call.out);
  std::unique_ptr<ByteSource> tar;
  if (from_url)
    tar = open_url(
        source, [&lines](bool knows_length) { lines.begin(knows_length); }, interrupt.token());
  else
    tar =
        std::make_unique<InterruptibleSource>(file ? file.get() : STDIN_FILENO, interrupt.token());
  CountedSource counted(*tar, progress);
  auto id = import_image(engine_options(call), o.request, counted);
  progress.clear();
  lines.end(!id);
  if (!id && interrupt.exit_code() != 0) {
    fmt::print(call.err, "import cancelled\n");
    return interrupt.exit_code();
  }
  // A bad name is refused by docker's client.
  bool bad_name = !id && id.error().message().starts_with("invalid reference format");
  if (!id && (lines.begun() || bad_name)) return std::move(id).error();
  if (!id) return from_daemon(std::move(id).error());
  std::fputs((id->str() + "\n").c_str(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_import

Command import_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
          .summary = "Import the contents from a tarball to create a filesystem image",
          .description =
              "Makes an image of one layer out of the tar archive of a root file system, "
              "plain or compressed.",
          .arity = at_least(1),
          .make = action<cmd_import::Options, cmd_import::add_flags, cmd_import::run>,
          .large_heap = true};
}

}  // namespace strata::cli
