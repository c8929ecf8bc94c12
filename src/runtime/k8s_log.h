#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"

namespace strata {

/// One piece of output of a container.
struct LogRecord {
  enum class Stream : std::uint8_t { Stdout, Stderr };
  Stream stream = Stream::Stdout;
  Time time;
  std::string bytes;  // as the container wrote it: ends in \n if the line is complete
};

/// Reads the log that conmon's driver `k8s-file` writes, also while it grows. A line is
/// `2026-11-24T20:15:42.556451732+00:00 stdout F text`; P instead of F: the line goes on in the
/// next record of the same stream (Kubernetes, "CRI logging").
class K8sLogReader {
 public:
  /// `log` from its current offset.
  explicit K8sLogReader(UniqueFd log) : log_(std::move(log)) {}

  /// nullopt when nothing complete is there (yet): call again when the file has grown.
  /// Corrupt for a line that is none, or one of more than 1 MiB; the next call goes on behind it.
  Result<std::optional<LogRecord>> next();

 private:
  UniqueFd log_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the next line in buffer_
  bool skipping_ = false;  // in the middle of a line that is too long
};

}  // namespace strata
