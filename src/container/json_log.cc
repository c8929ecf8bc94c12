#include "container/json_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/io.h"
#include "image/json.h"

namespace strata {
namespace {

constexpr std::size_t kMaxLine = std::size_t{1} << 20;
constexpr std::size_t kReadSize = 65536;

std::optional<LogRecord> parse_line(std::string_view line) {
  auto json = Json::parse(line);
  if (!json || !json->is_object()) return std::nullopt;
  auto time = Time::parse((*json)["time"].as_string());
  if (!time) return std::nullopt;
  LogRecord record;
  if ((*json)["stream"].as_string() == "stderr") record.stream = LogRecord::Stream::Stderr;
  record.time = *time;
  record.bytes = (*json)["log"].as_string();
  return record;
}

}  // namespace

std::string encode_json_log(const LogRecord& record) {
  bool is_out = record.stream == LogRecord::Stream::Stdout;
  std::string line = R"({"log":)";
  append_go_json_string(line, record.bytes);
  line += fmt::format(R"(,"stream":"{}","time":"{}"}})", is_out ? "stdout" : "stderr",
                      record.time.str());
  return line + '\n';
}

Result<JsonLogWriter> JsonLogWriter::open(int dir, const std::string& id) {
  auto file = TRY(open_at(dir, id + "-json.log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0640));
  return JsonLogWriter(std::move(file));
}

Result<void> JsonLogWriter::append(const LogRecord& record) {
  return write_all(file_.get(), encode_json_log(record)).context("container log");
}

Result<void> JsonLogWriter::write(LogRecord::Stream stream, std::string_view bytes) {
  auto& partial = partial_[static_cast<std::size_t>(stream)];
  auto now = Time::now();
  std::string lines;  // many records, one write(2)
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    auto piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    piece = piece.substr(0, kMaxRecord - partial.size());
    partial += piece;
    bytes.remove_prefix(piece.size());
    if (!partial.ends_with('\n') && partial.size() < kMaxRecord) break;
    lines += encode_json_log({stream, now, std::move(partial)});
    partial.clear();
  }
  return lines.empty() ? Result<void>() : write_all(file_.get(), lines).context("container log");
}

Result<void> JsonLogWriter::finish() {
  for (auto stream : {LogRecord::Stream::Stdout, LogRecord::Stream::Stderr}) {
    auto& partial = partial_[static_cast<std::size_t>(stream)];
    if (partial.empty()) continue;
    TRY(append({stream, Time::now(), std::move(partial)}));
    partial.clear();
  }
  return {};
}

/// False if there is nothing more to read now.
Result<bool> JsonLogReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  auto want =
      left_ < 0 ? kReadSize : std::min<std::size_t>(kReadSize, static_cast<std::size_t>(left_));
  auto old = buffer_.size();
  buffer_.resize(old + want);
  auto got = read_full(log_.get(), buffer_.data() + old, want);
  buffer_.resize(old + (got ? *got : 0));
  auto n = TRY(std::move(got));
  if (left_ > 0) left_ -= static_cast<std::int64_t>(n);
  return n > 0;
}

Result<std::optional<LogRecord>> JsonLogReader::next() {
  while (true) {
    auto end = buffer_.find('\n', begin_);
    if (end == std::string::npos) {
      if (buffer_.size() - begin_ > kMaxLine) {
        skipping_ = true;
        begin_ = buffer_.size();
      }
      if (!TRY(fill())) return std::optional<LogRecord>();
      continue;
    }
    auto line = std::string_view(buffer_).substr(begin_, end - begin_);
    auto record = skipping_ ? std::nullopt : parse_line(line);
    skipping_ = false;
    begin_ = end + 1;
    if (record) return record;
  }
}

Result<std::optional<LogRecord>> next_sound_record(K8sLogReader& reader) {
  while (true) {
    auto record = reader.next();
    // Without an errno it is the line, and the reader goes on behind it.
    if (!record && record.error().sys_errno() == 0) continue;
    return record;
  }
}

Result<void> append_k8s_log(JsonLogWriter& writer, UniqueFd log) {
  K8sLogReader reader(std::move(log));
  while (auto record = TRY(next_sound_record(reader))) TRY(writer.append(*record));
  return {};
}

}  // namespace strata
