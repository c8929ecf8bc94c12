#pragma once

#include <string>
#include <string_view>

#include "container/attach.h"

namespace strata {

/// "ctrl-p,ctrl-q": characters, and control characters by name, with commas between. As docker's
/// --detach-keys; InvalidArgument otherwise. "" gives docker's own, which are those two.
Result<std::string> parse_detach_keys(std::string_view text);

enum class JoinEnd : std::uint8_t { Ended, Detached };

/// `attach`: follows a container in the background until its output ends or, with a terminal,
/// `detach_keys` (bytes, see parse_detach_keys) were typed. Called on the main thread while it is
/// the only one: signals are blocked meanwhile. One that does not go to the container (without
/// `proxy_signals`, and always with a terminal) is Cancelled, so that the terminal gets its mode
/// back; the container goes on. Conflict if it runs in the foreground of another process.
Result<JoinEnd> join_container(const Store& store, const ContainerRecord& record,
                               const AttachedStdio& stdio, std::string detach_keys);

}  // namespace strata
