#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tar/header.h"

namespace strata::tar::detail {

/// Records of a PAX extended header, "<length> <key>=<value>\n" each: POSIX.1-2017, pax, "pax
/// Extended Header".
using PaxRecords = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kXattrPrefix = "SCHILY.xattr.";

void append_pax_record(std::string& out, std::string_view key, std::string_view value);

/// In the order of the text. Corrupt for anything malformed, and for NUL where a name is meant.
Result<PaxRecords> parse_pax_records(std::string_view text);

/// Overrides what the header said; later records win. Corrupt if a number is none, Unsupported if
/// the member is a sparse file.
Result<void> apply_pax_records(Entry& entry, const PaxRecords& records);

}  // namespace strata::tar::detail
