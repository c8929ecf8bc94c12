#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace strata::cli {

/// Turns SIGINT and SIGTERM into a request to stop, so that work ends by its error path and leaves
/// nothing half-made. Made before any other thread, which inherits the blocked signals. A second
/// signal ends the process at once.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// 128 + the signal that came, else 0.
  int exit_code() const { return exit_code_; }

 private:
  void wait(const std::stop_token& end);

  std::stop_source stop_;
  std::atomic<int> exit_code_ = 0;
  std::jthread thread_;
};

}  // namespace strata::cli
