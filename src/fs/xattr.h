#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata {

/// Extended attributes of `name` (one component) in the directory fd `dir`; a link at `name` is not
/// followed. `name` "" means the object behind `dir` itself, which then may be any open file, also
/// one opened with O_PATH. A file system without xattrs has none (listing) or gives Unsupported
/// (setting). Needs /proc.

using Xattr = std::pair<std::string, std::string>;  // full name ("user.x"), value bytes

/// One system call; the answer is nearly always no.
Result<bool> has_xattrs(int dir, const std::string& name);

/// All of them, or those that `wanted` says yes to, sorted by name.
Result<std::vector<Xattr>> list_xattrs(int dir, const std::string& name,
                                       bool (*wanted)(std::string_view) = nullptr);

/// nullopt if there is no such attribute.
Result<std::optional<std::string>> get_xattr(int dir, const std::string& name,
                                             const std::string& attribute);

Result<void> set_xattr(int dir, const std::string& name, const std::string& attribute,
                       const std::string& value);

/// Not an error if it was not there.
Result<void> remove_xattr(int dir, const std::string& name, const std::string& attribute);

}  // namespace strata
