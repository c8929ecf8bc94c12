#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tar/header.h"

namespace strata::tar::detail {

/// Where a field stands in a header block: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar
/// manual, "Basic Tar Format" (different from offset 345 on).
struct Field {
  std::size_t offset;
  std::size_t size;
};

inline constexpr Field kName{0, 100};
inline constexpr Field kMode{100, 8};
inline constexpr Field kUid{108, 8};
inline constexpr Field kGid{116, 8};
inline constexpr Field kSize{124, 12};
inline constexpr Field kMtime{136, 12};
inline constexpr Field kChecksum{148, 8};
inline constexpr Field kTypeFlag{156, 1};
inline constexpr Field kLinkname{157, 100};
inline constexpr Field kMagic{257, 8};  // with the version
inline constexpr Field kUname{265, 32};
inline constexpr Field kGname{297, 32};
inline constexpr Field kDevMajor{329, 8};
inline constexpr Field kDevMinor{337, 8};
inline constexpr Field kPrefix{345, 155};
inline constexpr Field kGnuAtime{345, 12};
inline constexpr Field kGnuCtime{357, 12};
inline constexpr Field kStarPrefix{345, 131};
inline constexpr Field kStarTrailer{508, 4};

inline constexpr std::string_view kUstarMagic{"ustar\00000", 8};
inline constexpr std::string_view kGnuMagic{"ustar  \0", 8};

/// Type flags of members that describe the next one, and of those that Entry does not know.
inline constexpr char kPaxHeader = 'x';
inline constexpr char kGnuLongName = 'L';
inline constexpr char kGnuLongLink = 'K';
inline constexpr char kGnuSparse = 'S';
inline constexpr char kOldRegular = '\0';

/// Upper bound for the data of one describing member, as in Go's archive/tar.
inline constexpr std::int64_t kMaxMeta = std::int64_t{1} << 20;

using Block = std::span<const std::uint8_t, kBlock>;

/// The sum of all bytes, those of the checksum field counted as blanks.
std::uint32_t checksum(Block block);

/// What a header block alone says, before any describing member is looked at.
struct RawHeader {
  Entry entry;  // `type` is not set; `size` as it stands there, even where no data follows
  char flag = 0;
};

/// Corrupt ("invalid tar header: ...") if the checksum or a number is wrong.
Result<RawHeader> parse_block(Block block);

/// A user or group as the kernel takes it. Negative ids of 32 bits stand for the same bits without
/// sign (-2 is the "nobody" of some systems). Corrupt if it does not fit.
Result<std::uint32_t> owner_id(std::int64_t id);

/// Corrupt: "invalid tar header: <what>".
Error invalid_header(std::string_view what);

}  // namespace strata::tar::detail
