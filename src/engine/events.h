#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace strata {

/// Where and how an operation works; the same for all of them.
struct EngineOptions {
  std::string root;      // the data-root
  bool lazy = false;     // --durability=lazy: leave syncing to the kernel
  std::stop_token stop;  // asked to stop: SIGINT, SIGTERM
};

}  // namespace strata
