#pragma once

#include <string>
#include <string_view>

#include "tar/header.h"

namespace strata::tar {

/// How headers differ between the daemons whose archives Strata can reproduce.
struct HeaderStyle {
  /// dockerd 20.10 puts the file type bits of st_mode into the mode field; 28 and Strata do not.
  bool type_bits_in_mode = false;
};

/// Appends the header blocks of `entry`, byte for byte as Go's archive/tar does when asked for the
/// PAX format, which is what dockerd makes layers with: plain ustar if every field fits, else PAX
/// records in front of it for those that do not (docs/store.md, section 7.3). Times are floored to
/// whole seconds. The content of entry.size bytes follows, then padding(entry.size).
///
/// `out` grows, and nothing else is allocated unless PAX records are needed. InvalidArgument, with
/// `out` as before, for what the format cannot say: a NUL in a string, "=" in the key of an xattr,
/// a device number over 2097151, a size without content to follow, records of more than 1 MiB, a
/// name ending in "/" for a type that is neither directory nor link, a global header.
Result<void> append_header(std::string& out, const Entry& entry, HeaderStyle style = {});

/// The zero bytes that follow a content of `size` bytes; a view of static memory.
std::string_view padding(std::int64_t size);

/// The two zero blocks that end an archive; a view of static memory.
std::string_view end_marker();

}  // namespace strata::tar
