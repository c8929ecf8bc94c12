#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "digest/digest.h"

namespace strata::progress {

/// One stage of the Dockerfile.
struct PlannedStage {
  std::string name;  // that of AS, else "stage-<number>"
  bool needed = true;
};

/// One line of the Dockerfile, or one --label, in the order in which the classic builder counts.
struct PlannedStep {
  std::optional<std::size_t> stage;  // none: an ARG before the first FROM
  std::size_t number = 0;            // in its stage, from 1
  std::string text;                  // "RUN make"
  int line = 0;                      // its first physical line; 0: there is none
};

// What can happen. A step is meant by its index in Planned::steps. Texts live as long as the call.

/// The context has been looked through; `bytes` as docker's client counts them.
struct ContextSent {
  std::int64_t bytes = 0;
};
/// How far the download of a context (no step) or of an ADD is.
struct Download {
  std::optional<std::size_t> step = {};
  std::string_view url;
  std::int64_t bytes = 0;                  // that have come
  std::optional<std::int64_t> total = {};  // if the server said it
  bool last = false;                       // the end was seen by itself, behind the last byte
};
/// The Dockerfile is read. Comes once, before any step.
struct Planned {
  std::vector<PlannedStage> stages;
  std::vector<PlannedStep> steps;
};
struct StepStarted {
  std::size_t step = 0;
};
/// What the builder itself says, as whole lines; without a step: before or behind all of them.
struct Note {
  std::optional<std::size_t> step = {};
  std::string_view text;
  bool warning = false;  // of the parser: docker prints it in red
};
struct StepCached {
  std::size_t step = 0;
};
/// The container of the step, by 12 digits that stand for it, is there.
struct ContainerStarted {
  std::size_t step = 0;
  std::string_view id;
};
struct ContainerRemoved {
  std::size_t step = 0;
  std::string_view id;
};
/// What a RUN has written, cut anywhere.
struct Output {
  std::size_t step = 0;
  bool error = false;  // on its stderr
  std::string_view text;
};
/// COPY and ADD: content of the step so far.
struct Copied {
  std::size_t step = 0;
  std::int64_t bytes = 0;
};
/// The step is an image now. Comes later than the start of the next step.
struct StepDone {
  std::size_t step = 0;
  std::optional<ImageID> image;  // none: ARG before FROM, or FROM scratch
};
struct StepSkipped {
  std::size_t step = 0;
};
/// The first step that failed: the build ends, and what comes of other steps is no failure.
struct StepFailed {
  std::size_t step = 0;
  std::string_view message;
  int exit_code = 1;
};
/// A shell has the terminal now, in what the failed step has left. Little comes behind it.
struct ShellOpened {};
/// All steps are done.
struct Built {
  ImageID image;
};
/// What is done with the result, in one line ("squashing layers"). An action that has begun ends
/// before the next one begins, or the build fails in it.
struct ActionStarted {
  std::string_view text;
};
/// What the action that is going on has come to: one line, without its end.
struct ActionNote {
  std::string_view text;
};
struct ActionDone {};
struct Tagged {
  std::string_view name;
};
/// The end of the build, wherever it failed if it did. Nothing comes behind it.
struct Ended {
  std::optional<std::string_view> error;
};

using What =
    std::variant<ContextSent, Download, Planned, StepStarted, Note, StepCached, ContainerStarted,
                 ContainerRemoved, Output, Copied, StepDone, StepSkipped, StepFailed, ShellOpened,
                 Built, ActionStarted, ActionNote, ActionDone, Tagged, Ended>;

struct Event {
  std::chrono::milliseconds at = {};  // since the build began
  What what;
};

using Sink = std::function<void(const Event&)>;

/// Calls the one of several functions that fits: std::visit(Overloaded{...}, event.what).
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/// Where a build tells what happens. Any thread may tell; the sinks are called one at a time, in
/// the order in which they were added.
class Report {
 public:
  Report() = default;
  explicit Report(Sink sink) { add(std::move(sink)); }
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  /// Before anything is told.
  void add(Sink sink) { sinks_.push_back(std::move(sink)); }

  void tell(What what) {
    const std::lock_guard lock(mutex_);
    const Event event{std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now() - start_),
                      std::move(what)};
    for (const auto& sink : sinks_) sink(event);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<Sink> sinks_;
  std::mutex mutex_;  // guards the order of calls
};

/// What one step tells.
class StepReport {
 public:
  StepReport(Report& report, std::size_t step) : report_(report), step_(step) {}

  Report& report() const { return report_; }
  std::size_t step() const { return step_; }

  void started() { report_.tell(StepStarted{step_}); }
  /// Whole lines of the builder itself.
  void write(std::string_view text) { report_.tell(Note{step_, text}); }
  void output(bool error, std::string_view text) { report_.tell(Output{step_, error, text}); }
  void cached() { report_.tell(StepCached{step_}); }
  void container(std::string_view id) { report_.tell(ContainerStarted{step_, id}); }
  void removed(std::string_view id) { report_.tell(ContainerRemoved{step_, id}); }
  void copied(std::int64_t bytes) { report_.tell(Copied{step_, bytes}); }
  void done(std::optional<ImageID> image) { report_.tell(StepDone{step_, image}); }
  void skipped() { report_.tell(StepSkipped{step_}); }
  /// The next step of the stage begins.
  void next() {
    step_++;
    started();
  }

 private:
  Report& report_;
  std::size_t step_;
};

}  // namespace strata::progress
