#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tar/split.h"

namespace strata::tar::detail {

/// One line of tar-split.json, with its newline, as Go's encoding/json writes it.
void append_segment_line(std::string& out, std::string_view bytes, std::int64_t position);
void append_file_line(std::string& out, std::string_view name, std::int64_t size, std::uint64_t crc,
                      std::int64_t position);

/// Any JSON object with the keys of docs/store.md, 4.1, in any order; other keys are skipped.
/// Corrupt if it is none, or if `position` is not the one that is expected.
Result<SplitEntry> parse_split_line(std::string_view line, std::int64_t position);

}  // namespace strata::tar::detail
