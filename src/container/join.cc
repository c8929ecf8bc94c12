#include "container/join.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/io.h"
#include "base/text.h"
#include "container/liveness.h"
#include "container/signal_source.h"
#include "runtime/conmon_stream.h"
#include "runtime/console.h"

namespace strata {
namespace {

constexpr std::string_view kControl =
    "@abcdefghijklmnopqrstuvwxyz[\\]^_";               // ctrl-@ is 0, and so on
constexpr std::string_view kDockersKeys = "\x10\x11";  // ctrl-p, ctrl-q

/// Watches what is typed for the keys. What may be the beginning of them is held back until it is
/// clear, as docker does.
class KeyWatch {
 public:
  explicit KeyWatch(std::string keys) : keys_(std::move(keys)) {}

  /// What is to go to the container; `found` once all keys came, the rest is dropped.
  std::string pass(std::string_view typed) {
    std::string out;
    for (char c : typed) {
      if (c == keys_[held_]) {
        if (++held_ == keys_.size()) {
          found = true;
          return out;
        }
        continue;
      }
      out.append(keys_, 0, held_);
      held_ = c == keys_[0] ? 1 : 0;
      if (held_ == 0) out += c;
    }
    return out;
  }

  bool found = false;

 private:
  std::string keys_;
  std::size_t held_ = 0;  // of them came last
};

class Joined {
 public:
  Joined(ConmonStream stream, UniqueFd process, bool terminal, const AttachedStdio& stdio,
         std::string detach_keys)
      : stream_(std::move(stream)),
        process_(std::move(process)),
        terminal_(terminal),
        stdio_(stdio),
        keys_(std::move(detach_keys)) {}

  Result<JoinEnd> run() {
    RawMode raw(terminal_ ? stdio_.stdin_fd : -1);
    pass_size();
    std::array<pollfd, 3> fds = {pollfd{stream_.fd(), POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0},
                                 pollfd{stdio_.stdin_fd, POLLIN, 0}};
    while (true) {
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
        return Error::from_errno(errno, "poll");
      if (fds[0].revents != 0 && !TRY(show_output())) return JoinEnd::Ended;
      if (fds[1].revents != 0) TRY(take_signals());
      if (fds[2].revents != 0 && !TRY(pass_input())) fds[2].fd = -1;
      if (keys_.found) return JoinEnd::Detached;
    }
  }

 private:
  /// False at the end of the output.
  Result<bool> show_output() {
    auto output = TRY(stream_.read());
    if (!output) return false;
    int fd = output->is_stderr ? stdio_.stderr_fd : stdio_.stdout_fd;
    if (fd >= 0) TRY(write_all(fd, output->bytes));
    return true;
  }

  Result<void> take_signals() {
    while (int signal = signals_.next()) {
      if (signal == SIGWINCH)
        pass_size();
      else if (terminal_ || !stdio_.proxy_signals)
        return Error(ErrorCode::Cancelled, "cancelled");
      else
        ::syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0);
    }
    return {};
  }

  /// False at the end of the input. The container's stdin stays open for those who come later.
  Result<bool> pass_input() {
    std::array<char, 4096> buffer;
    ssize_t n = ::read(stdio_.stdin_fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) return false;
    std::string_view typed(buffer.data(), static_cast<std::size_t>(n));
    TRY(stream_.write(terminal_ ? keys_.pass(typed) : std::string(typed)));
    return true;
  }

  void pass_size() {
    winsize size = {};
    if (terminal_ && ::ioctl(stdio_.stdout_fd, TIOCGWINSZ, &size) == 0)
      stream_.resize(size.ws_row, size.ws_col);
  }

  SignalSource signals_{SIGWINCH};
  ConmonStream stream_;
  UniqueFd process_;
  bool terminal_;
  const AttachedStdio& stdio_;
  KeyWatch keys_;
};

}  // namespace

Result<std::string> parse_detach_keys(std::string_view text) {
  if (text.empty()) return std::string(kDockersKeys);
  std::string keys;
  for (auto key : split(text, ',')) {
    auto invalid = [&] {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("invalid detach keys ({}): Unknown character: '{}'", text, key));
    };
    if (key.size() == 1) {
      keys += key;
    } else if (key == "DEL") {
      keys += '\x7f';
    } else {
      if (!key.starts_with("ctrl-") || key.size() != 6) return invalid();
      auto at = kControl.find(key[5]);
      if (at == std::string_view::npos) return invalid();
      keys += static_cast<char>(at);
    }
  }
  return keys;
}

Result<JoinEnd> join_container(const Store& store, const ContainerRecord& record,
                               const AttachedStdio& stdio, std::string detach_keys) {
  auto stream = ConmonStream::connect(run_files(store, record.id).dir);
  if (!stream && stream.error().code() == ErrorCode::NotFound && is_running(store, record))
    return Error(ErrorCode::Conflict,
                 fmt::format("Container {} runs in the foreground of another process: see its "
                             "output with logs -f",
                             record.id));
  if (!stream) return std::move(stream).error();
  auto process = TRY(open_process(store, record));
  return Joined(*std::move(stream), std::move(process), record.config.tty, stdio,
                std::move(detach_keys))
      .run();
}

}  // namespace strata
