#pragma once

#include <mutex>

#include "digest/digest.h"
#include "transfer/events.h"

namespace strata::transfer::detail {

/// The first 12 digits, by which docker's users know layers.
inline std::string short_name(const Digest& digest) { return digest.hex().substr(0, 12); }

/// Tells events from several threads, one at a time.
class Reporter {
 public:
  explicit Reporter(const Events& events) : events_(events) {}

  void tell(std::string id, std::string status, std::int64_t current = 0, std::int64_t total = 0) {
    if (!events_) return;
    std::lock_guard lock(mutex_);
    events_({std::move(id), std::move(status), current, total});
  }

 private:
  const Events& events_;
  std::mutex mutex_;
};

}  // namespace strata::transfer::detail
