#include "runtime/k8s_log.h"

#include <array>

#include "base/byte_stream.h"

namespace strata {
namespace {

constexpr std::size_t kMaxLine = std::size_t{1} << 20;

Result<LogRecord> parse_line(std::string_view line) {
  auto field = [&line] {
    auto end = line.find(' ');
    auto text = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return text;
  };
  auto time = field();
  auto stream = field();
  auto tag = field();
  LogRecord record;
  record.time = TRY(Time::parse(time).context("log line"));
  if (stream != "stdout" && stream != "stderr")
    return Error(ErrorCode::Corrupt, "log line names no stream");
  if (tag != "F" && tag != "P") return Error(ErrorCode::Corrupt, "log line has no F or P");
  record.stream = stream == "stdout" ? LogRecord::Stream::Stdout : LogRecord::Stream::Stderr;
  record.bytes = line;
  if (tag == "F") record.bytes += '\n';
  return record;
}

}  // namespace

Result<std::optional<LogRecord>> K8sLogReader::next() {
  std::array<char, 16384> chunk{};
  FdSource source(log_.get());
  std::size_t searched = begin_;
  while (true) {
    auto end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      auto line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = end + 1;
      bool too_long = std::exchange(skipping_, false);
      if (too_long) return Error(ErrorCode::Corrupt, "log line is longer than 1 MiB");
      return std::optional(TRY(parse_line(line)));
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (buffer_.size() > kMaxLine) {
      skipping_ = true;  // reported once its end is found
      buffer_.clear();
    }
    searched = buffer_.size();
    std::size_t n = TRY(source.read(chunk));
    if (n == 0) return std::optional<LogRecord>();
    buffer_.append(chunk.data(), n);
  }
}

}  // namespace strata
