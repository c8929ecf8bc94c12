#include "cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

namespace strata::cli {
namespace {

sigset_t watched() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t set = watched();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([this](const std::stop_token& end) { wait(end); });
}

Interrupt::~Interrupt() {
  thread_.request_stop();
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // wakes it; for that thread alone
  thread_.join();
  sigset_t set = watched();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Interrupt::wait(const std::stop_token& end) {
  sigset_t set = watched();
  while (true) {
    int signal = ::sigwaitinfo(&set, nullptr);
    if (end.stop_requested()) return;
    if (signal <= 0) continue;
    if (exit_code_ != 0) ::_exit(128 + signal);
    exit_code_ = 128 + signal;
    stop_.request_stop();
  }
}

}  // namespace strata::cli
