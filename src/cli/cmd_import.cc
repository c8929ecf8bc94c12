#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <stop_token>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "engine/images.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_import {
namespace {

struct Options {
  ImportRequest request;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.request.changes, "change", 'c', "Apply Dockerfile instruction to the created image");
  f.add(o.request.message, "message", 'm', "Set commit message for imported image");
  f.add(o.request.platform, "platform", 0, "Set platform if server is multi-platform capable");
}

/// Reads a descriptor, and gives up when the user asks for the end: a pipe may be silent for long.
class InterruptibleSource final : public ByteSource {
 public:
  InterruptibleSource(int fd, Progress& progress, std::stop_token stop)
      : fd_(fd), progress_(progress), stop_(std::move(stop)), source_(fd) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    pollfd waiting = {fd_, POLLIN, 0};
    while (!stop_.stop_requested()) {
      int ready = ::poll(&waiting, 1, kLookInterval);
      if (ready > 0) return counted(source_.read(buffer));
      if (ready < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
    }
    return Error(ErrorCode::Cancelled, "cancelled");
  }

 private:
  static constexpr int kLookInterval = 50;  // milliseconds

  Result<std::size_t> counted(Result<std::size_t> n) {
    if (n) bytes_ += static_cast<std::int64_t>(*n);
    progress_.update([&] { return fmt::format("importing: {}", human_size(bytes_)); });
    return n;
  }

  int fd_;
  Progress& progress_;
  std::int64_t bytes_ = 0;
  std::stop_token stop_;
  FdSource source_;
};

Result<int> run(Options& o, Call& call) {
  const std::string& source = call.args[0];
  o.request.source_name = source == "-" ? "-" : source;
  if (call.args.size() > 1) o.request.reference = call.args[1];
  UniqueFd file;
  if (source != "-") {
    if (source.find("://") != std::string::npos)
      return Error(ErrorCode::Unsupported,
                   fmt::format("import {}: URLs are not supported", source));
    file = TRY(open_at(AT_FDCWD, source, O_RDONLY));
    o.request.source_name = "-";  // docker's client sends a file as its standard input
  }
  Interrupt interrupt;
  Progress progress;
  InterruptibleSource tar(file ? file.get() : STDIN_FILENO, progress, interrupt.token());
  auto id = import_image(engine_options(call), o.request, tar);
  progress.clear();
  if (!id && interrupt.exit_code() != 0) {
    fmt::print(call.err, "import cancelled\n");
    return interrupt.exit_code();
  }
  if (!id) return from_daemon(std::move(id).error());
  std::fputs((id->str() + "\n").c_str(), call.out);
  return 0;
}

}  // namespace
}  // namespace cmd_import

Command import_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] file|- [REPOSITORY[:TAG]]",
          .summary = "Import the contents from a tarball to create a filesystem image",
          .description =
              "Makes an image of one layer out of the tar archive of a root file system, "
              "plain or gzip.",
          .arity = between(1, 2),
          .make = action<cmd_import::Options, cmd_import::add_flags, cmd_import::run>};
}

}  // namespace strata::cli
