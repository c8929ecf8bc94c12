#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::build {

/// The container ports that one word of EXPOSE means, "80/tcp": a port, a range "100-102", either
/// with "/tcp", "/udp" or "/sctp" in any case; of "ip:host:container" only the last counts.
/// InvalidArgument in docker's words: "Invalid containerPort: abc".
Result<std::vector<std::string>> parse_exposed_port(std::string_view word);

/// Checks a STOPSIGNAL: a number from 1 to 64, or a name with or without SIG, in any case, RTMIN+n
/// and RTMAX-n included. The signal's number. InvalidArgument "Invalid signal: FOO".
Result<int> parse_stop_signal(std::string_view text);

}  // namespace strata::build
