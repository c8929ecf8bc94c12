#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "progress/event.h"

namespace strata::progress {

/// What docker prints of a download during `build`. For ADD: a line that is rewritten in place, on
/// a terminal only. For a context: each state, whatever takes it.
std::string download_text(const Download& download, bool terminal);

/// docker's bar and counts: "[=====>     ]  12.3kB/45kB", "  12.3kB" without a total, "" for
/// nothing of nothing.
std::string progress_bar(std::int64_t bytes, std::optional<std::int64_t> total);

}  // namespace strata::progress
