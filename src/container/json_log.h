#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "runtime/k8s_log.h"

namespace strata {

/// One line of docker's json-file log, with its line end:
/// `{"log":"text\n","stream":"stdout","time":"2026-11-24T20:15:42.556451732Z"}`
std::string encode_json_log(const LogRecord& record);

/// Appends to containers/<id>/<id>-json.log (docs/store.md, section 6). Lines longer than 16 KiB
/// are cut into several records of which only the last ends in \n, as dockerd does. One thread.
class JsonLogWriter {
 public:
  /// The longest piece of a line that is written as one record, in bytes.
  static constexpr std::size_t kMaxRecord = 16384;

  /// `dir` is containers/<id>; the file is made with mode 0640 if absent.
  static Result<JsonLogWriter> open(int dir, const std::string& id);

  /// Output as it comes; what is no complete line yet is kept until it is.
  Result<void> write(LogRecord::Stream stream, std::string_view bytes);
  /// The end of the output: a last line without \n is written, too.
  Result<void> finish();
  /// One record as it is.
  Result<void> append(const LogRecord& record);

 private:
  explicit JsonLogWriter(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
  std::array<std::string, 2> partial_;  // by stream: a line that goes on
};

/// Reads such a log, also while it grows. Damaged lines are passed over, as dockerd does.
class JsonLogReader {
 public:
  /// `log` from its current offset, and no more than `limit` bytes of it (-1: all).
  explicit JsonLogReader(UniqueFd log, std::int64_t limit = -1)
      : log_(std::move(log)), left_(limit) {}

  /// nullopt when nothing complete is there (yet): call again when the file has grown.
  Result<std::optional<LogRecord>> next();

 private:
  Result<bool> fill();

  UniqueFd log_;
  std::int64_t left_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the next line in buffer_
  bool skipping_ = false;  // in the middle of a line that is too long
};

/// The next record of conmon's log; damaged lines are passed over here as well.
Result<std::optional<LogRecord>> next_sound_record(K8sLogReader& reader);

/// Appends all records of conmon's log, read from its current offset.
Result<void> append_k8s_log(JsonLogWriter& writer, UniqueFd log);

}  // namespace strata
