#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace strata {

Result<void> for_each_index(std::size_t count, std::size_t threads,
                            const std::function<Result<void>(std::size_t)>& act,
                            const std::function<void()>& on_error) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> has_failed = false;
  std::optional<Error> error;  // written by the thread that was the first to fail
  auto work = [&] {
    for (std::size_t at = 0; !has_failed && (at = next++) < count;) {
      auto done = act(at);
      if (done || has_failed.exchange(true)) continue;
      error = std::move(done).error();
      if (on_error) on_error();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(threads, count); i++) helpers.emplace_back(work);
    work();
  }
  if (error) return *std::move(error);
  return {};
}

unsigned processors() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace strata
