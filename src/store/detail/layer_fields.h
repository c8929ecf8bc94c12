#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "digest/digest.h"

namespace strata::detail {

/// The small files of a directory in layerdb (docs/store.md, 2.1). `file` is a path below `dir`.
/// Corrupt "<file> is missing" or "<file> is damaged".
Result<std::string> read_field(int dir, const std::string& file);
Result<Digest> read_digest(int dir, const std::string& file);
/// Absent if there is no such file.
Result<std::optional<ChainID>> read_parent(int dir, const std::string& file);
/// dockerd takes a sign and refuses white space; it writes neither.
Result<std::int64_t> read_size(int dir, const std::string& file);

/// What is around it is no part of a field, except of a size.
std::string_view trim(std::string_view text);

Error damaged(std::string_view field);

}  // namespace strata::detail
