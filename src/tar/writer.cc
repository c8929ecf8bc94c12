#include "tar/writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "tar/detail/block.h"
#include "tar/detail/pax.h"

namespace strata::tar {
namespace {

using detail::Field;

constexpr std::array<char, 2 * kBlock> kZeros{};

bool is_ascii(std::string_view text) {
  unsigned char any_high = 0;
  bool any_nul = false;
  for (char c : text) {
    any_high |= static_cast<unsigned char>(c);
    any_nul |= c == '\0';
  }
  return any_high < 0x80 && !any_nul;
}

bool fits(Field field, std::string_view text) {
  return text.size() <= field.size && is_ascii(text);
}

/// Octal digits leave room for a NUL.
bool fits(Field field, std::int64_t number) {
  return number >= 0 && number >> (3 * (field.size - 1)) == 0;
}

void put_text(char* block, Field field, std::string_view text) {
  char* at = block + field.offset;
  std::copy_n(text.data(), std::min(text.size(), field.size), at);
  if (text.size() > field.size && at[field.size - 1] == '/') {
    // Cut behind a slash it would look like a directory, to v7 readers and to Go.
    std::string_view kept = text.substr(0, field.size - 1);
    auto last = kept.find_last_not_of('/');
    at[last == std::string_view::npos ? 0 : last + 1] = '\0';
  }
}

/// A number that does not fit has a PAX record; the field is 0.
void put_number(char* block, Field field, std::int64_t number) {
  auto rest = fits(field, number) ? static_cast<std::uint64_t>(number) : 0;
  for (std::size_t i = field.size - 1; i-- > 0; rest >>= 3)
    block[field.offset + i] = static_cast<char>('0' + (rest & 7));
}

/// Magic and checksum; the rest of the block is in place.
void seal(char* block) {
  put_text(block, detail::kMagic, detail::kUstarMagic);
  auto bytes = reinterpret_cast<const std::uint8_t*>(block);
  put_number(block, {detail::kChecksum.offset, 7}, detail::checksum(detail::Block(bytes, kBlock)));
  block[detail::kChecksum.offset + 7] = ' ';
}

/// A zeroed block at the end of `out`.
char* append_block(std::string& out) {
  out.append(kZeros.data(), kBlock);
  return out.data() + out.size() - kBlock;
}

struct SplitName {
  std::string_view prefix;
  std::string_view name;
};

/// The name as it stands in ustar's two fields; nullopt if it does not fit.
std::optional<SplitName> split_name(std::string_view name) {
  if (!is_ascii(name)) return std::nullopt;
  if (name.size() <= detail::kName.size) return SplitName{{}, name};
  std::string_view front = name.substr(0, detail::kPrefix.size + 1);
  if (front.size() == name.size() && front.ends_with('/')) front.remove_suffix(1);
  auto slash = front.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  SplitName split{name.substr(0, slash), name.substr(slash + 1)};
  if (split.name.empty() || split.name.size() > detail::kName.size) return std::nullopt;
  return split;
}

std::int64_t seconds_of(const Entry& entry) {
  return entry.mtime.is_zero() ? 0 : entry.mtime.seconds;  // as Go
}

std::uint32_t type_bits(EntryType type) {
  switch (type) {
    case EntryType::Symlink:
      return 0120000;
    case EntryType::CharDevice:
      return 0020000;
    case EntryType::BlockDevice:
      return 0060000;
    case EntryType::Directory:
      return 0040000;
    case EntryType::Fifo:
      return 0010000;
    default:
      return 0100000;
  }
}

Result<void> check(const Entry& entry) {
  auto refuse = [&](const char* what) {
    return Error(ErrorCode::InvalidArgument, "tar entry " + entry.name + ": " + what);
  };
  for (const std::string* s : {&entry.name, &entry.linkname, &entry.uname, &entry.gname})
    if (std::memchr(s->data(), '\0', s->size()) != nullptr) return refuse("NUL in a name");
  if (entry.type == EntryType::GlobalPax) return refuse("cannot write a global header");
  if (entry.size < 0 || (entry.size > 0 && entry.type != EntryType::Regular))
    return refuse("size without content");
  if (!fits(detail::kDevMajor, std::int64_t{entry.dev_major}) ||
      !fits(detail::kDevMinor, std::int64_t{entry.dev_minor}))
    return refuse("device number too large");
  bool link_or_directory = entry.type == EntryType::Directory ||
                           entry.type == EntryType::HardLink || entry.type == EntryType::Symlink;
  if (entry.name.ends_with('/') && !link_or_directory) return refuse("name ends in a slash");
  for (const auto& [key, value] : entry.xattrs)
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos)
      return refuse("invalid name of an attribute");
  return {};
}

/// The records for all that does not fit, sorted by key; "" if everything fits.
std::string pax_records(const Entry& entry) {
  std::string records;
  auto text = [&](const char* key, Field field, std::string_view value) {
    if (!fits(field, value)) detail::append_pax_record(records, key, value);
  };
  auto number = [&](const char* key, Field field, std::int64_t value) {
    if (!fits(field, value)) detail::append_pax_record(records, key, std::to_string(value));
  };
  for (const auto& [key, value] : entry.xattrs)
    detail::append_pax_record(records, std::string(detail::kXattrPrefix) + key, value);
  number("gid", detail::kGid, entry.gid);
  text("gname", detail::kGname, entry.gname);
  text("linkpath", detail::kLinkname, entry.linkname);
  number("mtime", detail::kMtime, seconds_of(entry));
  text("path", detail::kName, entry.name);
  number("size", detail::kSize, entry.size);
  number("uid", detail::kUid, entry.uid);
  text("uname", detail::kUname, entry.uname);
  return records;
}

/// Everything but the name in two parts and the xattrs fits.
bool fits_ustar(const Entry& entry) {
  return entry.xattrs.empty() && fits(detail::kUid, std::int64_t{entry.uid}) &&
         fits(detail::kGid, std::int64_t{entry.gid}) && fits(detail::kSize, entry.size) &&
         fits(detail::kMtime, seconds_of(entry)) && fits(detail::kLinkname, entry.linkname) &&
         fits(detail::kUname, entry.uname) && fits(detail::kGname, entry.gname);
}

std::string only_ascii(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; });
  return out;
}

/// Go's path.Clean of a path that is not empty.
std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= path.size();) {
    std::size_t slash = std::min(path.find('/', at), path.size());
    std::string_view part = path.substr(at, slash - at);
    at = slash + 1;
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (part != ".." || !rooted)
      parts.push_back(part);
  }
  std::string out = rooted ? "/" : "";
  for (std::string_view part : parts) {
    if (out.size() > 1 || (out.size() == 1 && !rooted)) out += '/';
    out += part;
  }
  return out.empty() ? "." : out;
}

/// "dir/PaxHeaders.0/file": what a reader that knows no PAX unpacks the records as.
std::string pax_header_name(std::string_view name) {
  auto file = name.rfind('/') + 1;  // npos + 1 is 0
  std::string path(name.substr(0, file));
  path.append("/PaxHeaders.0/").append(name.substr(file));
  if (file == 0) path.erase(0, 1);
  path = only_ascii(clean_path(path)).substr(0, detail::kName.size);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

void append_pax_header(std::string& out, std::string_view name, std::string_view records) {
  char* block = append_block(out);
  put_text(block, detail::kName, pax_header_name(name));
  for (Field field : {detail::kMode, detail::kUid, detail::kGid, detail::kMtime})
    put_number(block, field, 0);
  put_number(block, detail::kSize, static_cast<std::int64_t>(records.size()));
  block[detail::kTypeFlag.offset] = detail::kPaxHeader;
  seal(block);
  out.append(records).append(padding(static_cast<std::int64_t>(records.size())));
}

/// What ustar and PAX main headers have in common.
void fill_numbers(char* block, const Entry& entry, HeaderStyle style) {
  std::uint32_t mode = entry.mode & 07777;
  if (style.type_bits_in_mode) mode |= type_bits(entry.type);
  put_number(block, detail::kMode, mode);
  put_number(block, detail::kUid, entry.uid);
  put_number(block, detail::kGid, entry.gid);
  put_number(block, detail::kSize, entry.size);
  put_number(block, detail::kMtime, seconds_of(entry));
  put_number(block, detail::kDevMajor, entry.dev_major);
  put_number(block, detail::kDevMinor, entry.dev_minor);
  block[detail::kTypeFlag.offset] = static_cast<char>(entry.type);
}

}  // namespace

Result<void> append_header(std::string& out, const Entry& entry, HeaderStyle style) {
  TRY(check(entry));
  if (auto name = fits_ustar(entry) ? split_name(entry.name) : std::nullopt) {
    char* block = append_block(out);
    put_text(block, detail::kName, name->name);
    put_text(block, detail::kPrefix, name->prefix);
    put_text(block, detail::kLinkname, entry.linkname);
    put_text(block, detail::kUname, entry.uname);
    put_text(block, detail::kGname, entry.gname);
    fill_numbers(block, entry, style);
    seal(block);
    return {};
  }
  std::string records = pax_records(entry);
  if (records.size() > static_cast<std::size_t>(detail::kMaxMeta))
    return Error(ErrorCode::InvalidArgument,
                 "tar entry " + entry.name + ": names and attributes are too long");
  append_pax_header(out, entry.name, records);
  char* block = append_block(out);
  put_text(block, detail::kName, only_ascii(entry.name));
  put_text(block, detail::kLinkname, only_ascii(entry.linkname));
  put_text(block, detail::kUname, only_ascii(entry.uname));
  put_text(block, detail::kGname, only_ascii(entry.gname));
  fill_numbers(block, entry, style);
  seal(block);
  return {};
}

std::string_view padding(std::int64_t size) { return {kZeros.data(), padding_size(size)}; }

std::string_view end_marker() { return {kZeros.data(), kZeros.size()}; }

}  // namespace strata::tar
