#include "cli/progress.h"

#include "base/io.h"
#include "cli/terminal.h"

namespace strata::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kInterval = 100;  // ms
constexpr std::string_view kErase = "\r\x1b[K";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

Progress::Progress(int fd, Clock clock)
    : fd_(fd),
      clock_(std::move(clock)),
      active_(can_rewrite_lines(fd)),
      colour_(active_ && colour_wanted()) {}

// A terminal that takes no more, or is gone, is no reason to stop the work: writes go unchecked.
void Progress::clear() {
  if (!active_) return;
  const std::lock_guard lock(mutex_);
  if (shown_) static_cast<void>(write_all(fd_, kErase));
  shown_ = false;
  next_ms_ = 0;
}

// Whichever thread moves the time forward is the one that shows its line.
bool Progress::due() {
  const std::int64_t now =
      std::chrono::duration_cast<milliseconds>(clock_().time_since_epoch()).count();
  std::int64_t next = next_ms_.load(std::memory_order_relaxed);
  return now >= next && next_ms_.compare_exchange_strong(next, now + kInterval);
}

void Progress::show(std::string_view text) {
  const auto width = static_cast<std::size_t>(columns() - 1);  // the last column may wrap
  std::string line(kErase);
  if (colour_) line += kDim;
  line += fit(text, width);
  if (colour_) line += kPlain;
  const std::lock_guard lock(mutex_);
  static_cast<void>(write_all(fd_, line));
  shown_ = true;
}

int Progress::columns() const { return terminal_size(fd_).columns; }

}  // namespace strata::cli
