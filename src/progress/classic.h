#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "progress/event.h"

namespace strata::progress {

/// What goes to stderr is red on docker's stdout.
std::string red(std::string_view text);

/// The output of docker's classic builder, as its client prints it on stdout: the lines in the
/// order of the file, although stages run at once and the ID of a step is known only after the next
/// one has begun. What is behind a step that has no ID yet waits.
class Classic {
 public:
  using Write = std::function<void(std::string_view)>;

  /// `terminal`: an ADD from a URL shows how far it is, as docker does on a terminal.
  explicit Classic(Write write, bool terminal = false)
      : write_(std::move(write)), terminal_(terminal) {}

  void operator()(const Event& event);

 private:
  struct Step {
    PlannedStep plan;
    std::string waiting;
    bool ended = false;  // nothing more comes
  };

  void put(std::size_t step, std::string_view text);
  void end(std::size_t step);
  void give_up();
  std::string heading(std::size_t step) const;
  void done(const StepDone& event);

  Write write_;
  bool terminal_;
  std::vector<Step> steps_;
  std::size_t current_ = 0;  // the first step that has not ended
};

}  // namespace strata::progress
