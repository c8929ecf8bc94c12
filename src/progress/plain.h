#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "progress/event.h"

namespace strata::progress {

/// "[builder 2/5] RUN make": how a step is named where the lines of several stages may stand
/// together; the stage is left out if only one is needed. Made of the first line of its text.
class StepTitles {
 public:
  void plan(const Planned& planned);
  std::string title(std::size_t step) const;
  const PlannedStep& step(std::size_t index) const { return steps_[index]; }
  std::size_t size() const { return steps_.size(); }

 private:
  std::vector<PlannedStage> stages_;
  std::vector<PlannedStep> steps_;
  std::vector<std::size_t> counts_;  // steps of each stage
  bool several_ = false;
};

/// Cuts what a process writes into lines. A carriage return ends a line, too: each state of a bar
/// that is redrawn in place is one.
class LineCutter {
 public:
  using Line = std::function<void(std::string_view)>;
  void add(std::string_view text, const Line& line);
  /// What has no end of line.
  void finish(const Line& line);

 private:
  static constexpr std::size_t kLongest = std::size_t{64} << 10;
  std::string rest_;
  bool after_return_ = false;
};

/// Lines as BuildKit's --progress=plain has them, for people who read a log: "#5 [builder 2/4] RUN
/// make", then "#5 0.123 text" with seconds since the step began, then "#5 DONE 1.2s", "#5 CACHED"
/// or "#5 ERROR: ...". Steps that run at once are held apart: the lines of one wait until the other
/// has ended or has had its turn.
class Plain {
 public:
  using Write = std::function<void(std::string_view)>;

  explicit Plain(Write write) : write_(std::move(write)) {}

  void operator()(const Event& event);

 private:
  using At = std::chrono::milliseconds;
  struct Vertex {
    std::string title;
    int number = 0;  // 0: nothing is printed yet
    At start = {};
    bool cached = false;
    bool ended = false;
    LineCutter out, err;
    std::vector<std::string> waiting;  // lines without "#<number> "
  };

  std::size_t add_vertex(std::string title, At at);
  Vertex* of_step(std::size_t step);
  void line(std::size_t vertex, At at, std::string text);
  void output(std::size_t vertex, At at, bool error, std::string_view text);
  void end(std::size_t vertex, At at, const std::string& how);
  void turn_to(std::size_t vertex, At at);
  void next(At at);
  void notes(std::size_t vertex, At at, std::string_view text);
  void done(const StepDone& event, At at);
  void action_line(At at, const std::string& text);
  void finish(At at, bool failed);

  Write write_;
  StepTitles titles_;
  std::deque<Vertex> vertices_;
  std::vector<std::optional<std::size_t>> of_step_;  // index of vertices_
  std::optional<std::size_t> current_;               // whose lines are printed
  std::optional<std::size_t> export_;                // of what follows the steps
  std::string action_;
  At action_start_ = {};
  At turn_start_ = {};
  std::size_t first_open_ = 0;  // all before it have ended, and are printed
  int last_number_ = 0;
};

}  // namespace strata::progress
