#pragma once

#include <string>

#include "base/fd.h"

namespace strata {

/// An flock(2) on a file, held until destruction (or the death of the process). It belongs to the
/// open file, so two FileLocks in one process exclude each other like two processes do.
class FileLock {
 public:
  enum class Mode : std::uint8_t { Shared, Exclusive };

  /// Waits until the lock is free. `name` below `dir` is created empty with mode 0600 if absent.
  static Result<FileLock> acquire(int dir, const std::string& name, Mode mode);

  /// As acquire(), but Conflict at once if someone else holds it in a way that excludes `mode`.
  static Result<FileLock> try_acquire(int dir, const std::string& name, Mode mode);

  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) noexcept = default;

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // closing it gives the lock back
};

}  // namespace strata
