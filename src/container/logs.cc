#include "container/logs.h"

#include <poll.h>
#include <sys/stat.h>

#include <deque>

#include "base/io.h"
#include "container/json_log.h"
#include "container/liveness.h"

namespace strata {
namespace {

constexpr int kFollowCheckMs = 50;

/// Both logs as they were at one moment; later records come from the one that grows.
class LogSource {
 public:
  static Result<LogSource> open(const Store& store, const std::string& id) {
    // With the lock, conmon's log cannot become part of docker's between the two.
    auto lock = TRY(lock_container(store, id));
    LogSource source;
    auto console = open_at(AT_FDCWD, run_files(store, id).console_log, O_RDONLY);
    if (console)
      source.console_.emplace(*std::move(console));
    else if (console.error().code() != ErrorCode::NotFound)
      return std::move(console).error();
    auto dir = TRY(open_dir(store.containers_dir(), id));
    auto log = open_at(dir.get(), id + "-json.log", O_RDONLY | O_NOFOLLOW);
    if (!log && log.error().code() == ErrorCode::NotFound) return source;
    if (!log) return std::move(log).error();
    struct stat st = {};
    // What is appended behind that is conmon's log again.
    std::int64_t limit = source.console_ && ::fstat(log->get(), &st) == 0 ? st.st_size : -1;
    source.json_.emplace(*std::move(log), limit);
    return source;
  }

  Result<std::optional<LogRecord>> next() {
    if (json_) {
      auto record = TRY(json_->next());
      if (record || !console_) return record;
      json_.reset();
    }
    if (console_) return next_sound_record(*console_);
    return std::optional<LogRecord>();
  }

 private:
  std::optional<JsonLogReader> json_;
  std::optional<K8sLogReader> console_;
};

bool wanted(const LogRecord& record, const LogsRequest& request) {
  return (!request.since || record.time >= *request.since) &&
         (!request.until || record.time <= *request.until);
}

/// Gives all that is there now; with a limit only the last of it.
Result<void> drain(LogSource& source, const LogsRequest& request, std::optional<std::size_t> tail,
                   const std::function<Result<void>(const LogRecord&)>& sink) {
  std::deque<LogRecord> last;
  while (auto record = TRY(source.next())) {
    if (!wanted(*record, request)) continue;
    if (!tail) {
      TRY(sink(*record));
      continue;
    }
    last.push_back(*std::move(record));
    if (last.size() > *tail) last.pop_front();
  }
  for (const auto& record : last) TRY(sink(record));
  return {};
}

bool still_runs(const Store& store, const std::string& id) {
  auto record = load_container(store, id);
  return record && is_running(store, *record);
}

}  // namespace

Result<void> read_logs(const Store& store, const std::string& id, const LogsRequest& request,
                       const std::function<Result<void>(const LogRecord&)>& sink) {
  auto source = TRY(LogSource::open(store, id));
  auto tail = request.tail;
  while (true) {
    // Asked before reading: what was written until the end is read after it.
    bool more = request.follow && still_runs(store, id);
    TRY(drain(source, request, tail, sink));
    tail.reset();
    if (!more || (request.until && Time::now() > *request.until)) return {};
    ::poll(nullptr, 0, kFollowCheckMs);
  }
}

}  // namespace strata
