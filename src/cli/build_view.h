#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "progress/event.h"
#include "progress/plain.h"

namespace strata::cli {

/// What a terminal shows of a build while it runs, as lines to be drawn over those of before:
///
///   [+] Building 12.3s (5/9)
///    => [internal] load build context: 5.12kB                                0.0s
///    => CACHED [tools 1/3] FROM base                                         0.0s
///    => [tools 2/3] RUN make                                                 8.1s
///    => => # the last lines that it has written
///    => [stage-1 2/4] COPY . /src: 12.3MB                                    0.4s
///
/// Values in, lines out: it knows no terminal.
class BuildView {
 public:
  using At = std::chrono::milliseconds;
  enum class Style : std::uint8_t { Running, Done, Failed, Output };
  struct Line {
    Style style = Style::Running;
    std::string text;  // at most as wide as was asked for
  };

  void operator()(const progress::Event& event);

  /// As it is at `now`, on at most `rows` lines (0: any number): of too many the oldest that have
  /// ended are left out.
  std::vector<Line> frame(At now, int columns, int rows) const;
  bool ended() const { return ended_.has_value(); }

 private:
  struct Row {
    std::string title;
    std::string detail;  // "12.3MB"
    At start = {};
    std::optional<At> end;
    bool cached = false;
    bool failed = false;
    progress::LineCutter out, err;
    std::deque<std::string> tail;  // of what it has written
  };

  Row& add(std::string title, At at);
  Row* of_step(std::size_t step);
  void output(const progress::Output& output);
  void action(const std::string& title, At at);
  Line heading(At now, int columns) const;
  static Line row_line(const Row& row, At now, int columns);

  progress::StepTitles titles_;
  std::deque<Row> rows_;                      // in the order of their starts
  std::map<std::size_t, std::size_t> steps_;  // indices of rows_
  std::size_t total_ = 0;                     // steps that will run
  std::size_t done_ = 0;
  std::optional<At> ended_;
  bool failed_ = false;
};

}  // namespace strata::cli
