#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/io.h"
#include "cli/go_text.h"

namespace strata::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kInterval = 100;  // ms
constexpr std::string_view kErase = "\r\x1b[K";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

bool can_rewrite_lines(int fd) {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb" && isatty(fd) == 1;
}

bool colour_wanted() {
  const char* no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

// One line of at most `columns` printable characters.
std::string fit(std::string_view text, std::size_t columns) {
  std::string out;
  for (std::size_t n = 0; !text.empty() && n < columns;) {
    const Rune r = decode_rune(text);
    if (is_printable(r.value)) {
      append_rune(out, r.value);
      n++;
    }
    text.remove_prefix(r.size);
  }
  return out;
}

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

int Progress::columns() const {
  winsize size = {};
  return ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace strata::cli
