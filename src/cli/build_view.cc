#include "cli/build_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal.h"
#include "image/units.h"

namespace strata::cli {
namespace {

using progress::Overloaded;

constexpr const char* kWarnings = "[internal] warnings";
constexpr std::size_t kTail = 6;  // lines of output below a step that runs

double seconds(BuildView::At time) { return static_cast<double>(time.count()) / 1000; }

/// `text` and, at the right edge, a time.
std::string with_time(const std::string& text, BuildView::At time, int columns) {
  auto at_end = fmt::format("{:.1f}s", seconds(time));
  auto width = static_cast<std::size_t>(std::max(columns, 1));
  if (width < at_end.size() + 8) return fit(text, width);
  auto left = fit(text, width - at_end.size() - 1);
  return left + std::string(width - at_end.size() - text_width(left), ' ') + at_end;
}

}  // namespace

void BuildView::operator()(const progress::Event& event) {
  const At at = event.at;
  auto with = [&](std::size_t step, auto&& change) {
    if (Row* row = of_step(step)) change(*row);
  };
  std::visit(
      Overloaded{
          [&](const progress::ContextSent& e) {
            auto& row = add("[internal] load build context", {});
            row.detail = human_size(e.bytes);
            row.end = at;
          },
          [&](const progress::Download& e) {
            if (!e.step) return;
            with(*e.step, [&](Row& row) {
              row.detail = human_size(e.bytes);
              if (e.total) row.detail += " / " + human_size(*e.total);
            });
          },
          [&](const progress::Planned& e) {
            titles_.plan(e);
            total_ = static_cast<std::size_t>(std::count_if(
                e.steps.begin(), e.steps.end(),
                [&](const auto& step) { return step.stage && e.stages[*step.stage].needed; }));
          },
          [&](const progress::StepStarted& e) {
            if (!titles_.step(e.step).stage) return;
            steps_[e.step] = rows_.size();
            add(titles_.title(e.step), at);
          },
          [&](const progress::Note& e) {
            if (e.step) return;
            auto& row = add(kWarnings, at);
            auto keep = [&](std::string_view line) { row.tail.emplace_back(line); };
            row.out.add(e.text, keep);
            row.out.finish(keep);
            row.end = at;
          },
          [&](const progress::StepCached& e) { with(e.step, [](Row& row) { row.cached = true; }); },
          [&](const progress::ContainerStarted& e) {
            with(e.step, [](Row& row) { row.cached = false; });
          },
          [](const progress::ContainerRemoved&) {},
          [&](const progress::Output& e) { output(e); },
          [&](const progress::Copied& e) {
            with(e.step, [&](Row& row) { row.detail = human_size(e.bytes); });
          },
          [&](const progress::StepDone& e) {
            with(e.step, [&](Row& row) {
              if (!row.end) done_++;
              row.end = at;
            });
          },
          [](const progress::StepSkipped&) {},
          [&](const progress::StepFailed& e) {
            with(e.step, [&](Row& row) {
              row.end = at;
              row.failed = true;
            });
          },
          [&](const progress::ShellOpened&) {
            ended_ = at;
            failed_ = true;
          },
          [&](const progress::Built& e) { action("writing image " + e.image.str(), at); },
          [&](const progress::ActionStarted& e) { add(std::string(e.text), at); },
          [](const progress::ActionNote&) {},
          [&](const progress::ActionDone&) {
            if (!rows_.empty()) rows_.back().end = at;
          },
          [&](const progress::Tagged& e) { action(fmt::format("naming to {}", e.name), at); },
          [&](const progress::Ended& e) {
            if (!ended_) ended_ = at;
            failed_ = e.error.has_value();
          }},
      event.what);
}

BuildView::Row& BuildView::add(std::string title, At at) {
  rows_.emplace_back();
  rows_.back().title = std::move(title);
  rows_.back().start = at;
  return rows_.back();
}

BuildView::Row* BuildView::of_step(std::size_t step) {
  auto found = steps_.find(step);
  return found == steps_.end() ? nullptr : &rows_[found->second];
}

void BuildView::action(const std::string& title, At at) { add(title, at).end = at; }

void BuildView::output(const progress::Output& output) {
  Row* row = of_step(output.step);
  if (row == nullptr) return;
  auto keep = [&](std::string_view line) {
    row->tail.emplace_back(line);
    if (row->tail.size() > kTail) row->tail.pop_front();
  };
  (output.error ? row->err : row->out).add(output.text, keep);
}

BuildView::Line BuildView::heading(At now, int columns) const {
  auto text =
      fmt::format("[+] Building {:.1f}s ({}/{})", seconds(ended_.value_or(now)), done_, total_);
  if (ended_) text += failed_ ? " FAILED" : " FINISHED";
  return {failed_  ? Style::Failed
          : ended_ ? Style::Done
                   : Style::Running,
          fit(text, static_cast<std::size_t>(std::max(columns, 1)))};
}

BuildView::Line BuildView::row_line(const Row& row, At now, int columns) {
  std::string text = " => ";
  if (row.failed)
    text += "ERROR ";
  else if (row.cached)
    text += "CACHED ";
  text += row.title;
  if (!row.detail.empty()) text += ": " + row.detail;
  auto style = row.failed ? Style::Failed : row.end ? Style::Done : Style::Running;
  return {style, with_time(text, row.end.value_or(now) - row.start, columns)};
}

std::vector<BuildView::Line> BuildView::frame(At now, int columns, int rows) const {
  struct Part {
    bool done = false;
    std::vector<Line> lines;
  };
  if (ended_) now = *ended_;
  std::vector<Part> parts;
  std::size_t count = 1;
  for (const auto& row : rows_) {
    Part part{row.end.has_value() && !row.failed, {row_line(row, now, columns)}};
    bool shown = !row.end || row.title == kWarnings;
    if (shown)
      for (const auto& line : row.tail)
        part.lines.push_back(
            {Style::Output, fit(" => => # " + line, static_cast<std::size_t>(columns))});
    count += part.lines.size();
    parts.push_back(std::move(part));
  }
  auto room = rows > 0 ? static_cast<std::size_t>(rows) : count;
  for (auto& part : parts) {
    if (count <= room) break;
    if (!part.done) continue;
    count -= part.lines.size();
    part.lines.clear();
  }
  for (auto& part : parts) {  // then what the steps have written
    while (count > room && part.lines.size() > 1) {
      part.lines.erase(part.lines.begin() + 1);
      count--;
    }
  }
  std::vector<Line> lines{heading(now, columns)};
  for (auto& part : parts)
    for (auto& line : part.lines)
      if (lines.size() < room) lines.push_back(std::move(line));
  return lines;
}

}  // namespace strata::cli
