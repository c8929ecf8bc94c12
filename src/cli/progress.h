#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace strata::cli {

/// One line on a terminal that says how far long work is: rewritten in place, at most ten times a
/// second, gone at the end. Where the descriptor is no terminal, or TERM is "dumb" or unset, it
/// does nothing and costs one branch. NO_COLOR takes its dimmed colour away. Any thread may call
/// any member.
class Progress {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  /// `fd` is borrowed; the tests give their own clock.
  explicit Progress(int fd = 2, Clock clock = std::chrono::steady_clock::now);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  bool active() const { return active_; }

  /// Shows what `make_text` gives (one line; control characters are dropped and it is cut to the
  /// terminal's width), if the last one is at least 100 ms old. Else make_text is not called.
  template <class MakeText>
  void update(MakeText&& make_text) {
    if (active_ && due()) show(make_text());
  }

  /// Takes the line away; the next update() shows it again at once. To be called before anything
  /// else is written to the same terminal.
  void clear();

 private:
  bool due();
  void show(std::string_view text);
  int columns() const;

  int fd_;
  Clock clock_;
  bool active_;
  bool colour_;
  std::mutex mutex_;  // guards shown_ and the line on the terminal
  bool shown_ = false;
  std::atomic<std::int64_t> next_ms_{0};  // since the clock's epoch
};

}  // namespace strata::cli
