#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "engine/events.h"

namespace strata::cli {

/// docker's client puts "Error response from daemon: " before what its daemon refuses; scripts know
/// and grep for that line, so Strata's engine answers in the same words.
Error from_daemon(Error error);

/// How the engine works for this call.
EngineOptions engine_options(const Call& call);

/// "2 hours ago" of a time that has passed.
std::string ago(std::int64_t seconds_since_epoch);

/// As Go prints a time: "2026-11-24 20:15:42 +0000 UTC", in the local zone, whole seconds.
std::string local_time(std::int64_t seconds_since_epoch);
/// "2026-11-24T20:15:42Z" or "...+01:00", in the local zone, whole seconds.
std::string local_rfc3339(std::int64_t seconds_since_epoch);

/// The first 12 digits of "sha256:<hex>" or of a plain ID.
std::string short_id(std::string_view id);

/// Cut to `width` characters, the last of them "…", as docker's tables do.
std::string ellipsis(std::string_view text, std::size_t width);

}  // namespace strata::cli
