#pragma once

#include <optional>
#include <string>
#include <vector>

#include "copy/copy.h"

namespace strata::copy::detail {

/// What a manifest or an index of that type is in another format; itself for nullopt.
std::string manifest_type(const std::string& type, std::optional<Format> format);
std::string index_type(const std::string& type, std::optional<Format> format);

/// Gives config and layers the types that belong to a manifest of that type. Unsupported for those
/// that have none there: artifacts, layers compressed by zstd in docker's format.
Result<void> rewrite_types(registry::Manifest& manifest, const std::string& type);

/// An index of that type with other manifests, in the same order. What else it says stays.
Result<std::string> rewrite_index(std::string_view index, const std::vector<Descriptor>& manifests,
                                  const std::string& type);

}  // namespace strata::copy::detail
