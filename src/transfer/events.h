#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace strata::transfer {

/// How far a part of a pull or push is, in docker's words.
struct Event {
  std::string id;            // of the layer, 12 digits; or the tag; "" for a line of its own
  std::string status;        // "Downloading"
  std::int64_t current = 0;  // bytes of it
  std::int64_t total = 0;    // bytes; 0: it is no progress but a state
};

/// Called one at a time, from any thread. May be empty.
using Events = std::function<void(const Event&)>;

}  // namespace strata::transfer
