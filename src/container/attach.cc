#include "container/attach.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/io.h"
#include "container/json_log.h"
#include "container/signal_source.h"
#include "runtime/console.h"

namespace strata {
namespace {

/// What has ended by then is written down once, at its end.
constexpr int kShortRunMs = 10;

/// Copies the container's output to the user and into the log, until both pipes are closed.
class OutputCopier {
 public:
  OutputCopier(UniqueFd out, UniqueFd err, const AttachedStdio& stdio, JsonLogWriter log)
      : ends_{std::move(out), std::move(err)},
        user_{stdio.stdout_fd, stdio.stderr_fd},
        log_(std::move(log)) {}

  void run() {
    std::array<char, 65536> buffer{};
    std::array<pollfd, 2> fds = {pollfd{ends_[0].get(), POLLIN, 0},
                                 pollfd{ends_[1].get(), POLLIN, 0}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      for (std::size_t i = 0; i < fds.size(); i++) {
        if (fds[i].fd < 0 || fds[i].revents == 0) continue;
        ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
          fds[i].fd = -1;
        else
          take(i, {buffer.data(), static_cast<std::size_t>(n)});
      }
    }
    if (log_ok_) (void)log_.finish();
  }

 private:
  /// A reader that went away, or a full disk, is no reason for the container to stop.
  void take(std::size_t i, std::string_view bytes) {
    if (user_[i] >= 0 && !write_all(user_[i], bytes)) user_[i] = -1;
    auto stream = i == 0 ? LogRecord::Stream::Stdout : LogRecord::Stream::Stderr;
    if (log_ok_ && !log_.write(stream, bytes)) log_ok_ = false;
  }

  std::array<UniqueFd, 2> ends_;
  std::array<int, 2> user_;
  JsonLogWriter log_;
  bool log_ok_ = true;
};

/// Beside the container: writes down that it runs, then passes signals on.
class Supervisor {
 public:
  Supervisor(const Store& store, std::string id, RunningContainer& container,
             const SignalSource& signals, bool proxy, int end)
      : store_(store),
        id_(std::move(id)),
        container_(container),
        signals_(signals),
        proxy_(proxy),
        end_(end) {}

  /// Until the other side of `end` is closed.
  void run() {
    pid_ = container_.wait_started();
    if (pid_ <= 0) return;
    process_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    std::array<pollfd, 2> fds = {pollfd{end_, POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0}};
    for (int wait_ms = kShortRunMs; fds[0].revents == 0;) {
      int ready = ::poll(fds.data(), fds.size(), wait_ms);
      if (ready < 0 && errno != EINTR) return;
      if (ready == 0) {
        note_start();
        wait_ms = -1;
      }
      if (int signal = signals_.next(); signal > 0) pass_on(signal);
    }
  }

  /// 128 + the signal that made this process end its container, else 0.
  int exit_code() const { return exit_code_; }

 private:
  void note_start() {
    auto lock = lock_container(store_, id_);
    auto record = load_container(store_, id_);
    if (!lock || !record) return;  // removed meanwhile
    (void)record_start(store_, *record, pid_);
  }

  void pass_on(int signal) {
    if (!proxy_) {
      exit_code_ = 128 + signal;
      signal = SIGKILL;
    }
    ::syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0);
  }

  const Store& store_;
  std::string id_;
  RunningContainer& container_;
  const SignalSource& signals_;
  bool proxy_;
  int end_;
  pid_t pid_ = 0;
  UniqueFd process_;
  std::atomic<int> exit_code_ = 0;
};

/// The ends that the container gets.
struct ContainerStdio {
  UniqueFd in;  // with a stdin that is open but not attached: a pipe to which nobody writes
  UniqueFd idle_writer;
  Pipe out;
  Pipe err;
};

Result<ContainerStdio> make_stdio(const ContainerRecord& record, const AttachedStdio& stdio) {
  ContainerStdio c;
  c.out = TRY(make_pipe());
  c.err = TRY(make_pipe());
  if (!record.config.open_stdin) return c;
  if (stdio.stdin_fd >= 0) {
    c.in = TRY(duplicate(stdio.stdin_fd));
  } else {
    auto idle = TRY(make_pipe());
    c.in = std::move(idle.read);
    c.idle_writer = std::move(idle.write);
  }
  return c;
}

Result<ForegroundEnd> finish(const Store& store, const std::string& id, const ForegroundEnd& end,
                             Time started_at) {
  bool auto_remove = false;
  {
    auto lock = TRY(lock_container(store, id));
    auto record = load_container(store, id);
    if (!record && record.error().code() != ErrorCode::NotFound) return std::move(record).error();
    if (!record) {  // `rm -f` of another process
      abandon_run(store, id);
      return end;
    }
    auto_remove = record->host.auto_remove;
    if (end.never_ran) {
      TRY(record_failed_start(store, *record, end.error));
      TRY(finish_run(store, *record, {record->state.exit_code, end.error}));
    } else {
      if (!record->state.running) record->state.started_at = started_at;  // it was very short
      record->has_been_started_before = true;
      TRY(finish_run(store, *record, {end.exit_code, ""}));
    }
  }
  if (auto_remove) TRY(remove_after_run(store, id));
  return end;
}

}  // namespace

Result<ForegroundEnd> run_attached(const Store& store, ContainerRecord record, PreparedRun run,
                                   FileLock lock, const AttachedStdio& stdio) {
  auto owner = TRY(hold_run(store, record.id));
  auto files = TRY(open_dir(store.containers_dir(), record.id));
  auto log = TRY(JsonLogWriter::open(files.get(), record.id));
  auto ends = TRY(make_stdio(record, stdio));
  TRY(save_container(store, record));

  SignalSource signals;
  StartOptions options;
  options.bundle = run.files().dir;
  options.id = record.id;
  options.argv0 = run.argv0();
  options.learn = run.learn();
  options.rootfs = run.rootfs();
  options.stdin_fd = ends.in.get();
  options.stdout_fd = ends.out.write.get();
  options.stderr_fd = ends.err.write.get();
  options.terminal = record.config.tty;
  options.new_session = true;  // Ctrl-C is ours to pass on
  auto started_at = Time::now();
  auto container = TRY(run.runtime().start(options));
  run.keep_files();
  { auto started = std::move(lock); }
  ends.err.write = UniqueFd();
  // A terminal is copied by wait(), which writes to its own duplicate of this end.
  ends.out.write = UniqueFd();

  // The last output is copied after wait() has let go of the terminal.
  RawMode raw(record.config.tty ? stdio.stdin_fd : -1);
  OutputCopier copier(std::move(ends.out.read), std::move(ends.err.read), stdio, std::move(log));
  auto supervision = TRY(make_pipe());
  Supervisor supervisor(store, record.id, container, signals,
                        stdio.proxy_signals && !record.config.tty, supervision.read.get());
  std::jthread copying([&] { copier.run(); });
  std::jthread supervising([&] { supervisor.run(); });
  auto outcome = container.wait();
  container.end();  // so that the pipes close
  supervision.write = UniqueFd();
  supervising.join();
  copying.join();
  run.unmount();
  if (!outcome) {
    (void)finish(store, record.id, {125, false, ""}, started_at);
    return std::move(outcome).error();
  }
  ForegroundEnd end;
  end.exit_code =
      supervisor.exit_code() != 0 ? supervisor.exit_code() : outcome->status.shell_code();
  if (outcome->failure) {
    end.never_ran = true;
    end.error = outcome->failure->message;
    end.exit_code = outcome->failure->exit_code;
  }
  return finish(store, record.id, end, started_at);
}

}  // namespace strata
