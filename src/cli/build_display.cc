#include "cli/build_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/io.h"
#include "base/text.h"
#include "cli/build_view.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "image/units.h"
#include "progress/classic.h"
#include "progress/plain.h"
#include "progress/rawjson.h"

namespace strata::cli {
namespace build_display {

using std::chrono::milliseconds;

constexpr milliseconds kRedraw{100};
constexpr std::size_t kTailLines = 10;    // of a failed step
constexpr std::size_t kSourceLines = 10;  // of its instruction
constexpr std::size_t kSourceColumns = 160;

static void print_to(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

/// What the classic builder prints, and on a terminal how far a COPY is.
class ClassicDisplay {
 public:
  explicit ClassicDisplay(std::FILE* to)
      : classic_(
            [this, to](std::string_view text) {
              progress_.clear();
              print_to(to, text);
            },
            ::isatty(::fileno(to)) == 1) {}

  void operator()(const progress::Event& event) {
    if (const auto* copied = std::get_if<progress::Copied>(&event.what))
      progress_.update([&] { return fmt::format("copying: {}", human_size(copied->bytes)); });
    else if (std::holds_alternative<progress::Ended>(event.what))
      progress_.clear();
    classic_(event);
  }

 private:
  Progress progress_;
  progress::Classic classic_;
};

/// Draws a BuildView over its last frame, ten times a second: times pass although nothing happens.
class LiveDisplay {
 public:
  explicit LiveDisplay(std::FILE* to)
      : fd_(::fileno(to)), colour_(colour_wanted()), thread_([this](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
            changed_.wait_for(lock, stop, kRedraw, [] { return false; });
            if (!stop.stop_requested()) draw();
          }
        }) {}

  void operator()(const progress::Event& event) {
    const std::lock_guard lock(mutex_);
    offset_ = std::chrono::steady_clock::now() - event.at;
    view_(event);
    if (view_.ended()) {
      draw();
      thread_.request_stop();
    }
  }

 private:
  void draw() {
    if (finished_) return;
    finished_ = view_.ended();
    auto size = terminal_size(fd_);
    auto now = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - offset_);
    // The last column may wrap, the last row scroll. The end is shown whole and stays.
    auto frame = view_.frame(now, size.columns - 1, finished_ ? 0 : size.rows - 1);
    std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A\r", drawn_) : "\r";
    for (const auto& line : frame) text += coloured(line) + "\x1b[K\n";
    text += "\x1b[J";
    (void)write_all(fd_, text);  // a terminal that is gone is no reason to stop
    drawn_ = frame.size();
  }

  std::string coloured(const BuildView::Line& line) const {
    if (!colour_) return line.text;
    switch (line.style) {
      case BuildView::Style::Done:
        return "\x1b[34m" + line.text + "\x1b[0m";
      case BuildView::Style::Failed:
        return "\x1b[31m" + line.text + "\x1b[0m";
      case BuildView::Style::Output:
        return "\x1b[2m" + line.text + "\x1b[0m";
      case BuildView::Style::Running:
        break;
    }
    return line.text;
  }

  int fd_;
  bool colour_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  BuildView view_;
  std::chrono::steady_clock::time_point offset_ = std::chrono::steady_clock::now();
  std::size_t drawn_ = 0;
  bool finished_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

/// The last lines that each step has written.
class Tails {
 public:
  void operator()(const progress::Event& event) {
    if (const auto* o = std::get_if<progress::Output>(&event.what)) {
      auto& tail = tails_[o->step];
      tail.cutter.add(o->text, [&](std::string_view line) { tail.add(line); });
    } else if (const auto* done = std::get_if<progress::StepDone>(&event.what)) {
      tails_.erase(done->step);
    } else if (const auto* failed = std::get_if<progress::StepFailed>(&event.what)) {
      auto& tail = tails_[failed->step];
      tail.cutter.finish([&](std::string_view line) { tail.add(line); });
      failed_.assign(tail.lines.begin(), tail.lines.end());
    }
  }
  const std::vector<std::string>& of_failed() const { return failed_; }

 private:
  struct Tail {
    progress::LineCutter cutter;
    std::deque<std::string> lines;
    void add(std::string_view line) {
      lines.emplace_back(line);
      if (lines.size() > kTailLines) lines.pop_front();
    }
  };
  std::map<std::size_t, Tail> tails_;
  std::vector<std::string> failed_;
};

static BuildProgress resolve(const BuildDisplayOptions& options) {
  bool can = can_rewrite_lines(STDERR_FILENO);
  if (options.progress == BuildProgress::Auto)
    return can && ::isatty(STDOUT_FILENO) == 1 ? BuildProgress::Tty : BuildProgress::Classic;
  if (options.progress == BuildProgress::Tty && !can) return BuildProgress::Plain;
  return options.progress;
}

}  // namespace build_display

using namespace build_display;

Result<BuildProgress> parse_build_progress(std::string_view text) {
  if (text == "auto") return BuildProgress::Auto;
  if (text == "classic") return BuildProgress::Classic;
  if (text == "plain") return BuildProgress::Plain;
  if (text == "tty") return BuildProgress::Tty;
  if (text == "rawjson") return BuildProgress::RawJson;
  return Error(ErrorCode::InvalidArgument, "must be auto, classic, plain, rawjson or tty");
}

std::string failure_text(const FailedInstruction& instruction, const std::vector<std::string>& tail,
                         const std::string& log) {
  std::string text = fmt::format("{}:{}:\n", instruction.file, instruction.line);
  auto lines = split(instruction.source, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (std::size_t i = 0; i < lines.size(); i++) {
    if (i == kSourceLines && lines.size() > kSourceLines + 1) {
      text += fmt::format("      | ... and {} lines more\n", lines.size() - i);
      break;
    }
    auto line = fit(lines[i], kSourceColumns);
    text += fmt::format("{:5} | {}\n", static_cast<std::size_t>(instruction.line) + i, line);
    if (i != 0) continue;
    auto indent = std::min(line.find_first_not_of(' '), line.size());
    auto width = std::max<std::size_t>(text_width(line) - indent, 1);
    text += "      | " + std::string(indent, ' ') + std::string(width, '^') + "\n";
  }
  if (!tail.empty()) text += "its last output:\n";
  for (const auto& line : tail) text += "    " + fit(line, kSourceColumns) + "\n";
  if (!log.empty()) text += fmt::format("the whole output: {}\n", log);
  return text;
}

struct BuildDisplay::State {
  Call& call;
  BuildDisplayOptions options;
  BuildProgress progress;
  std::string held;  // with -q
  std::function<void(const progress::Event&)> show;
  std::unique_ptr<LiveDisplay> live;
  std::unique_ptr<ClassicDisplay> classic;
  Tails tails;

  State(Call& c, const BuildDisplayOptions& o) : call(c), options(o), progress(resolve(o)) {
    auto to_stderr = [this](std::string_view text) { print_to(call.err, text); };
    if (options.quiet) {
      show = progress::Classic([this](std::string_view text) { held += text; });
    } else if (progress == BuildProgress::Plain) {
      show = progress::Plain(to_stderr);
    } else if (progress == BuildProgress::RawJson) {
      show = progress::RawJson(to_stderr);
    } else if (progress == BuildProgress::Tty) {
      live = std::make_unique<LiveDisplay>(call.err);
      show = std::ref(*live);
    } else {
      classic = std::make_unique<ClassicDisplay>(options.stdout_taken ? call.err : call.out);
      show = std::ref(*classic);
    }
  }

  /// Scripts compare docker's line: it stands alone unless a person reads it, or has asked.
  bool tells_where() const {
    return options.progress != BuildProgress::Auto || ::isatty(::fileno(call.err)) == 1;
  }
  /// What a classic or plain output has just said is not said again.
  bool hides_output() const {
    return !options.quiet && (progress == BuildProgress::Tty || progress == BuildProgress::RawJson);
  }
};

BuildDisplay::BuildDisplay(Call& call, const BuildDisplayOptions& options)
    : state_(std::make_unique<State>(call, options)) {}

BuildDisplay::~BuildDisplay() = default;

void BuildDisplay::operator()(const progress::Event& event) {
  state_->show(event);
  if (state_->hides_output()) state_->tails(event);
}

void BuildDisplay::finish(const BuildImageResult& result) {
  auto& s = *state_;
  if (!result.failure) {
    auto* to = s.options.stdout_taken ? s.call.err : s.call.out;
    if (s.options.quiet && result.id) print_to(to, result.id->str() + "\n");
    return;
  }
  if (s.options.quiet) print_to(s.call.err, s.held);
  const auto& failure = *result.failure;
  if (s.tells_where() && failure.instruction)
    print_to(s.call.err, failure_text(*failure.instruction, s.tails.of_failed(), result.log));
  auto message = failure.error.message();
  print_to(s.call.err,
           (failure.from_daemon ? "Error response from daemon: " + message : message) + "\n");
}

}  // namespace strata::cli
