#include "engine/build_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/io.h"
#include "base/random_id.h"
#include "progress/plain.h"

namespace strata {
namespace {

constexpr const char* kLogsDirectory = "logs";
constexpr std::size_t kBuffered = std::size_t{64} << 10;

/// "20261125T214530.120371": names in the order of time.
std::string compact_time(Time time) {
  std::time_t seconds = time.seconds;
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::size_t length = std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
  return fmt::format("{}.{:06}", std::string_view(text, length), time.nanoseconds / 1000);
}

bool is_log(const std::string& name) {
  return name.starts_with("build-") && name.ends_with(".log");
}

/// Removes the oldest until there is room for one more.
void remove_old(int logs) {
  auto names = list_dir(logs);
  if (!names) return;
  std::erase_if(*names, [](const std::string& name) { return !is_log(name); });
  for (std::size_t i = 0; i + BuildLog::kKept <= names->size(); i++)
    ::unlinkat(logs, (*names)[i].c_str(), 0);
}

}  // namespace

struct BuildLog::State {
  explicit State(UniqueFd to)
      : fd(std::move(to)), plain([this](std::string_view text) { write(text); }) {}

  void write(std::string_view text) {
    buffer += text;
    if (buffer.size() >= kBuffered) flush();
  }
  // A disk that is full must not end the build.
  void flush() {
    (void)write_all(fd.get(), buffer);
    buffer.clear();
  }

  UniqueFd fd;
  std::string buffer;
  progress::Plain plain;
};

BuildLog::BuildLog(int own_dir, const std::string& root) {
  if (!make_dirs(own_dir, kLogsDirectory, 0700)) return;
  auto logs = open_dir(own_dir, kLogsDirectory);
  if (!logs) return;
  remove_old(logs->get());
  auto name = fmt::format("build-{}-{}.log", compact_time(Time::now()), random_hex(4));
  auto fd = open_at(logs->get(), name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
  if (!fd) return;
  state_ = std::make_unique<State>(*std::move(fd));
  path_ = fmt::format("{}/strata/{}/{}", root, kLogsDirectory, name);
}

BuildLog::~BuildLog() {
  if (state_) state_->flush();
}

void BuildLog::operator()(const progress::Event& event) {
  if (!state_) return;
  state_->plain(event);
  // Who follows the file, or a kill, finds each step that has ended.
  if (std::holds_alternative<progress::StepDone>(event.what) ||
      std::holds_alternative<progress::Ended>(event.what))
    state_->flush();
}

}  // namespace strata
