#include "progress/plain.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/units.h"

namespace strata::progress {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTurn{5000};  // of one step, while others have something to say, too

double seconds(milliseconds time) { return static_cast<double>(time.count()) / 1000; }

/// "done in 1.2s" of a whole step.
std::string taken(milliseconds time) { return fmt::format("{:.1f}s", seconds(time)); }

/// Without the classic builder's " ---> ".
std::string_view bare(std::string_view note) {
  constexpr std::string_view kArrow = " ---> ";
  if (note.starts_with(kArrow)) note.remove_prefix(kArrow.size());
  return note;
}

}  // namespace

// --- titles

void StepTitles::plan(const Planned& planned) {
  stages_ = planned.stages;
  steps_ = planned.steps;
  counts_.assign(stages_.size(), 0);
  for (const auto& step : steps_)
    if (step.stage) counts_[*step.stage]++;
  several_ = std::count_if(stages_.begin(), stages_.end(),
                           [](const PlannedStage& stage) { return stage.needed; }) > 1;
}

std::string StepTitles::title(std::size_t step) const {
  const auto& s = steps_[step];
  std::string text = s.text.substr(0, s.text.find('\n'));
  if (!s.stage) return text;
  std::string place = fmt::format("{}/{}", s.number, counts_[*s.stage]);
  if (several_) place = stages_[*s.stage].name + ' ' + place;
  return fmt::format("[{}] {}", place, text);
}

// --- lines

void LineCutter::add(std::string_view text, const Line& line) {
  while (!text.empty()) {
    if (after_return_ && text[0] == '\n') text.remove_prefix(1);
    after_return_ = false;
    auto end = text.find_first_of("\r\n");
    rest_ += text.substr(0, end);
    if (end == std::string_view::npos && rest_.size() < kLongest) return;
    if (end != std::string_view::npos) {
      after_return_ = text[end] == '\r';
      text.remove_prefix(end + 1);
    } else {
      text = {};
    }
    line(rest_);
    rest_.clear();
  }
}

void LineCutter::finish(const Line& line) {
  if (!rest_.empty()) line(rest_);
  rest_.clear();
}

// --- events

void Plain::operator()(const Event& event) {
  const At at = event.at;
  auto with = [&](std::size_t step, auto&& action) {
    if (of_step_[step]) action(*of_step_[step]);
  };
  std::visit(
      Overloaded{
          [&](const ContextSent& e) {
            auto v = add_vertex("[internal] load build context", {});
            line(v, at, fmt::format("transferring context: {} done", human_size(e.bytes)));
            end(v, at, "DONE " + taken(at));
          },
          [&](const Download& e) {
            if (e.last && e.step)
              with(*e.step, [&](std::size_t v) {
                line(v, at, fmt::format("downloading {} {}", e.url, human_size(e.bytes)));
              });
          },
          [&](const Planned& e) {
            titles_.plan(e);
            of_step_.resize(e.steps.size());
          },
          [&](const StepStarted& e) {
            if (titles_.step(e.step).stage)
              of_step_[e.step] = add_vertex(titles_.title(e.step), at);
          },
          [&](const Note& e) {
            if (e.step)
              with(*e.step, [&](std::size_t v) { notes(v, at, e.text); });
            else
              notes(add_vertex("[internal] warnings", at), at, e.text);
          },
          [&](const StepCached& e) {
            with(e.step, [&](std::size_t v) { vertices_[v].cached = true; });
          },
          [&](const ContainerStarted& e) {
            with(e.step, [&](std::size_t v) { vertices_[v].cached = false; });
          },
          [](const ContainerRemoved&) {},
          [&](const Output& e) {
            with(e.step, [&](std::size_t v) { output(v, at, e.error, e.text); });
          },
          [](const Copied&) {},
          [&](const StepDone& e) { done(e, at); },
          [](const StepSkipped&) {},
          [&](const StepFailed& e) {
            with(e.step, [&](std::size_t v) { end(v, at, fmt::format("ERROR: {}", e.message)); });
          },
          [](const ShellOpened&) {},
          [&](const Built& e) {
            action_line(at, fmt::format("writing image {} done", e.image.str()));
          },
          [&](const ActionStarted& e) {
            action_ = e.text;
            action_start_ = at;
            action_line(at, action_);
          },
          [&](const ActionNote& e) { action_line(at, std::string(e.text)); },
          [&](const ActionDone&) {
            action_line(at, fmt::format("{} {} done", action_, taken(at - action_start_)));
          },
          [&](const Tagged& e) { action_line(at, fmt::format("naming to {} done", e.name)); },
          [&](const Ended& e) { finish(at, e.error.has_value()); }},
      event.what);
}

std::size_t Plain::add_vertex(std::string title, At at) {
  vertices_.emplace_back();
  vertices_.back().title = std::move(title);
  vertices_.back().start = at;
  line(vertices_.size() - 1, at, "");
  return vertices_.size() - 1;
}

void Plain::notes(std::size_t vertex, At at, std::string_view text) {
  LineCutter cutter;
  auto each = [&](std::string_view one) {
    if (!one.empty()) line(vertex, at, std::string(bare(one)));
  };
  cutter.add(text, each);
  cutter.finish(each);
  if (titles_.size() == 0 || vertices_[vertex].title == "[internal] warnings")
    end(vertex, at, "DONE 0.0s");
}

void Plain::output(std::size_t vertex, At at, bool error, std::string_view text) {
  auto& v = vertices_[vertex];
  auto each = [&](std::string_view one) {
    line(vertex, at, fmt::format("{:.3f} {}", seconds(at - v.start), one));
  };
  (error ? v.err : v.out).add(text, each);
}

void Plain::done(const StepDone& event, At at) {
  auto index = of_step_[event.step];
  if (!index) return;
  end(*index, at,
      vertices_[*index].cached ? "CACHED" : "DONE " + taken(at - vertices_[*index].start));
}

void Plain::end(std::size_t vertex, At at, const std::string& how) {
  auto& v = vertices_[vertex];
  if (v.ended) return;
  auto each = [&](std::string_view one) {
    line(vertex, at, fmt::format("{:.3f} {}", seconds(at - v.start), one));
  };
  v.out.finish(each);
  v.err.finish(each);
  line(vertex, at, how);
  v.ended = true;
  if (current_ != vertex) return;
  write_("\n");
  current_.reset();
  next(at);
}

void Plain::action_line(At at, const std::string& text) {
  if (!export_) export_ = add_vertex("exporting to image", at);
  line(*export_, at, text);
}

void Plain::finish(At at, bool failed) {
  if (export_ && !failed) end(*export_, at, "DONE " + taken(at - vertices_[*export_].start));
  for (std::size_t i = 0; i < vertices_.size(); i++)
    if (!vertices_[i].ended) end(i, at, "CANCELED");
}

// --- turns

/// One more line of a vertex; an empty one only shows that it is there.
void Plain::line(std::size_t vertex, At at, std::string text) {
  vertices_[vertex].waiting.push_back(std::move(text));
  if (!current_ || (current_ != vertex && at - turn_start_ >= kTurn)) turn_to(vertex, at);
  if (current_ != vertex) return;
  auto& v = vertices_[vertex];
  for (const auto& waiting : v.waiting)
    if (!waiting.empty()) write_(fmt::format("#{} {}\n", v.number, waiting));
  v.waiting.clear();
}

void Plain::turn_to(std::size_t vertex, At at) {
  if (current_) write_(fmt::format("#{} ...\n\n", vertices_[*current_].number));
  current_ = vertex;
  turn_start_ = at;
  auto& v = vertices_[vertex];
  if (v.number == 0) v.number = ++last_number_;
  write_(fmt::format("#{} {}\n", v.number, v.title));
}

/// Those that have waited, in the order in which they began.
void Plain::next(At at) {
  while (first_open_ < vertices_.size() && vertices_[first_open_].ended &&
         vertices_[first_open_].waiting.empty())
    first_open_++;
  for (std::size_t i = first_open_; i < vertices_.size(); i++) {
    auto& v = vertices_[i];
    if (v.waiting.empty()) continue;
    turn_to(i, at);
    for (const auto& waiting : v.waiting)
      if (!waiting.empty()) write_(fmt::format("#{} {}\n", v.number, waiting));
    v.waiting.clear();
    if (!v.ended) return;
    write_("\n");
    current_.reset();
  }
}

}  // namespace strata::progress
