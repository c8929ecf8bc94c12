#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "engine/build.h"
#include "progress/event.h"

namespace strata::cli {

/// The forms of --progress.
enum class BuildProgress : std::uint8_t {
  Auto,     // Tty where standard output and error are terminals that can, else Classic
  Classic,  // docker's classic builder, on standard output
  Plain,    // BuildKit's, on standard error; likewise below
  Tty,      // a live view; Plain where the terminal cannot
  RawJson,  // one JSON object for each event
};

Result<BuildProgress> parse_build_progress(std::string_view text);

struct BuildDisplayOptions {
  BuildProgress progress = BuildProgress::Auto;
  bool quiet = false;         // nothing but the ID; if the build fails, its classic output
  bool stdout_taken = false;  // an output goes there: all else goes to standard error
};

/// Shows a build as the user wants it.
class BuildDisplay {
 public:
  BuildDisplay(Call& call, const BuildDisplayOptions& options);
  ~BuildDisplay();
  BuildDisplay(const BuildDisplay&) = delete;
  BuildDisplay& operator=(const BuildDisplay&) = delete;

  void operator()(const progress::Event& event);
  /// Behind the last event: with -q the ID, or what the build that failed has said; where it
  /// failed, unless standard error shall have docker's line alone; that line.
  void finish(const BuildImageResult& result);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "Dockerfile:7:", the lines of the instruction with carets below its first, then `tail`, the last
/// lines that it has written, if there are any, and the name of the log.
std::string failure_text(const FailedInstruction& instruction, const std::vector<std::string>& tail,
                         const std::string& log);

}  // namespace strata::cli
