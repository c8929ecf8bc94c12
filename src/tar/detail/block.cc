#include "tar/detail/block.h"

#include <algorithm>
#include <limits>
#include <string>

namespace strata::tar::detail {
namespace {

using Bytes = std::span<const std::uint8_t>;

Bytes bytes_of(Block block, Field field) { return block.subspan(field.offset, field.size); }

std::string_view all_of(Block block, Field field) {
  return {reinterpret_cast<const char*>(block.data()) + field.offset, field.size};
}

/// Up to the first NUL, or the whole field.
std::string_view text_of(Block block, Field field) {
  std::string_view text = all_of(block, field);
  return text.substr(0, text.find('\0'));
}

/// Some old programs summed signed bytes.
bool has_checksum(Block block, std::int64_t stored) {
  std::int64_t sum = checksum(block);
  if (stored == sum) return true;
  for (std::size_t i = 0; i < kBlock; i++) {
    bool in_field = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    if (block[i] >= 0x80 && !in_field) sum -= 256;
  }
  return stored == sum;
}

Result<std::uint32_t> owner_number(Block block, Field field) {
  std::int64_t id = TRY(parse_signed_number(bytes_of(block, field)));
  return owner_id(id);
}

Result<std::uint32_t> device_number(Block block, Field field) {
  std::int64_t n = TRY(parse_number(bytes_of(block, field)));
  if (n > std::numeric_limits<std::uint32_t>::max())
    return invalid_header("device number too large");
  return static_cast<std::uint32_t>(n);
}

bool is_time(Block block, Field field) {
  return block[field.offset] == 0 || parse_signed_number(bytes_of(block, field)).has_value();
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// GNU headers have times where ustar has the prefix. But Go before 1.8, and so the daemons of its
/// time, wrote GNU headers with a ustar prefix: there the times are no numbers.
std::string_view prefix_of(Block block) {
  if (all_of(block, kMagic) == kGnuMagic) {
    if (is_time(block, kGnuAtime) && is_time(block, kGnuCtime)) return {};
    std::string_view prefix = text_of(block, kPrefix);
    return is_ascii(prefix) ? prefix : std::string_view();
  }
  bool star = all_of(block, kStarTrailer) == std::string_view("tar\0", 4);
  return text_of(block, star ? kStarPrefix : kPrefix);
}

/// The fields that v7 headers do not have.
Result<void> parse_ustar_fields(Block block, Entry& entry) {
  entry.uname = text_of(block, kUname);
  entry.gname = text_of(block, kGname);
  entry.dev_major = TRY(device_number(block, kDevMajor));
  entry.dev_minor = TRY(device_number(block, kDevMinor));
  std::string_view prefix = prefix_of(block);
  if (!prefix.empty()) entry.name = std::string(prefix) + '/' + entry.name;
  return {};
}

}  // namespace

std::uint32_t checksum(Block block) {
  std::uint32_t sum = 0;
  for (std::uint8_t b : block) sum += b;
  for (std::uint8_t b : bytes_of(block, kChecksum)) sum += std::uint32_t{' '} - b;
  return sum;
}

Error invalid_header(std::string_view what) {
  return Error(ErrorCode::Corrupt, "invalid tar header: " + std::string(what));
}

Result<std::uint32_t> owner_id(std::int64_t id) {
  if (id < std::numeric_limits<std::int32_t>::min() ||
      id > std::numeric_limits<std::uint32_t>::max())
    return invalid_header("user or group id out of range");
  return static_cast<std::uint32_t>(id);
}

Result<RawHeader> parse_block(Block block) {
  auto number = [&](Field f) { return parse_number(bytes_of(block, f)); };

  auto sum = number(kChecksum);
  if (!sum || !has_checksum(block, *sum)) return invalid_header("wrong checksum");

  RawHeader header;
  header.flag = static_cast<char>(block[kTypeFlag.offset]);
  Entry& e = header.entry;
  e.name = text_of(block, kName);
  e.linkname = text_of(block, kLinkname);
  e.mode = static_cast<std::uint32_t>(TRY(number(kMode)) & 07777);
  e.uid = TRY(owner_number(block, kUid));
  e.gid = TRY(owner_number(block, kGid));
  e.size = TRY(number(kSize));
  e.mtime.seconds = TRY(parse_signed_number(bytes_of(block, kMtime)));

  std::string_view magic = all_of(block, kMagic);
  if (magic == kGnuMagic || magic.starts_with(kUstarMagic.substr(0, 6)))
    TRY(parse_ustar_fields(block, e));
  return header;
}

}  // namespace strata::tar::detail
