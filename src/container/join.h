#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "container/record.h"

namespace strata {

/// `attach`: what a user has of a container in the background. -1 for what is not attached. All
/// borrowed.
struct JoinOptions {
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  bool proxy_signals = true;  // without a terminal: INT, TERM, HUP ... go to the container
  std::string detach_keys;    // bytes (see parse_detach_keys); with a terminal they end this
};

/// "ctrl-p,ctrl-q": characters, and control characters by name, with commas between. As docker's
/// --detach-keys; InvalidArgument otherwise. "" gives docker's own, which are those two.
Result<std::string> parse_detach_keys(std::string_view text);

enum class JoinEnd : std::uint8_t { Ended, Detached };

/// Follows the container until its output ends or the keys were typed. Called on the main thread
/// while it is the only one: signals are blocked meanwhile. With a terminal, a signal that would
/// end this process is Cancelled, so that the terminal gets its mode back; the container goes on.
/// Conflict if it runs in the foreground of another process.
Result<JoinEnd> join_container(const Store& store, const ContainerRecord& record,
                               const JoinOptions& options);

}  // namespace strata
