#include "tar/detail/pax.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "tar/detail/block.h"

namespace strata::tar::detail {
namespace {

/// The whole of `text` as a decimal number, with "-" if it may be negative.
template <class T>
bool parse_decimal(std::string_view text, T& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool names_something(std::string_view key) {
  return key == "path" || key == "linkpath" || key == "uname" || key == "gname";
}

/// One record from the front of `text`.
Result<std::pair<std::string_view, std::string_view>> take_record(std::string_view& text) {
  auto space = text.find(' ');
  std::size_t length = 0;
  if (space == std::string_view::npos || !parse_decimal(text.substr(0, space), length))
    return invalid_header("PAX record without length");
  if (length > text.size() || length < space + 2 || text[length - 1] != '\n')
    return invalid_header("wrong length of PAX record");
  std::string_view record = text.substr(space + 1, length - space - 2);
  text.remove_prefix(length);

  auto equals = record.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return invalid_header("PAX record without key");
  std::pair result(record.substr(0, equals), record.substr(equals + 1));
  if ((names_something(result.first) ? result.second : result.first).find('\0') !=
      std::string_view::npos)
    return invalid_header("NUL in PAX record");
  return result;
}

/// "-1.25": seconds with a fraction of any length, of which nine digits count.
Result<Time> parse_time(std::string_view text) {
  auto dot = text.find('.');
  std::string_view fraction;
  if (dot != std::string_view::npos) fraction = text.substr(dot + 1);
  Time time;
  bool ok = parse_decimal(text.substr(0, dot), time.seconds);
  for (char c : fraction) ok = ok && c >= '0' && c <= '9';
  if (!ok) return invalid_header("PAX time is no number");

  for (std::size_t i = 0; i < 9; i++)
    time.nanoseconds = time.nanoseconds * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  if (text.front() == '-' && time.nanoseconds > 0) {
    if (time.seconds == std::numeric_limits<std::int64_t>::min())
      return invalid_header("PAX time out of range");
    time.seconds -= 1;
    time.nanoseconds = 1'000'000'000 - time.nanoseconds;
  }
  return time;
}

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t n = 0;
  if (!parse_decimal(text, n)) return invalid_header("PAX value is no number");
  return n;
}

Result<std::uint32_t> parse_owner(std::string_view text) {
  std::int64_t id = TRY(parse_integer(text));
  return owner_id(id);
}

Result<void> apply_record(Entry& entry, std::string_view key, std::string_view value) {
  if (key == "path") {
    entry.name = value;
  } else if (key == "linkpath") {
    entry.linkname = value;
  } else if (key == "uname") {
    entry.uname = value;
  } else if (key == "gname") {
    entry.gname = value;
  } else if (key == "uid") {
    entry.uid = TRY(parse_owner(value));
  } else if (key == "gid") {
    entry.gid = TRY(parse_owner(value));
  } else if (key == "size") {
    entry.size = TRY(parse_integer(value));
    if (entry.size < 0) return invalid_header("negative size");
  } else if (key == "mtime") {
    entry.mtime = TRY(parse_time(value));
  } else if (key.starts_with(kXattrPrefix)) {
    if (key.size() == kXattrPrefix.size()) return invalid_header("attribute without name");
    entry.xattrs.emplace_back(key.substr(kXattrPrefix.size()), value);
  }
  return {};
}

/// Sorted by key; of equal keys the last one stays.
void sort_xattrs(std::vector<std::pair<std::string, std::string>>& xattrs) {
  auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::reverse(xattrs.begin(), xattrs.end());
  std::stable_sort(xattrs.begin(), xattrs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  xattrs.erase(std::unique(xattrs.begin(), xattrs.end(), same_key), xattrs.end());
}

}  // namespace

void append_pax_record(std::string& out, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;  // blank, "=", newline
  std::size_t length = rest + std::to_string(rest).size();
  length = rest + std::to_string(length).size();  // its own digits may add one
  out.append(std::to_string(length)).append(1, ' ').append(key);
  out.append(1, '=').append(value).append(1, '\n');
}

Result<PaxRecords> parse_pax_records(std::string_view text) {
  PaxRecords records;
  while (!text.empty()) {
    auto [key, value] = TRY(take_record(text));
    records.emplace_back(key, value);
  }
  return records;
}

Result<void> apply_pax_records(Entry& entry, const PaxRecords& records) {
  bool sparse = false;
  std::string_view sparse_name;
  for (const auto& [key, value] : records) {
    sparse = sparse || key.starts_with("GNU.sparse.");
    if (key == "GNU.sparse.name") sparse_name = value;
    if (!value.empty()) TRY(apply_record(entry, key, value));
  }
  if (sparse)
    return Error(ErrorCode::Unsupported,
                 "tar entry " + (sparse_name.empty() ? entry.name : std::string(sparse_name)) +
                     ": sparse files are not supported");
  sort_xattrs(entry.xattrs);
  return {};
}

}  // namespace strata::tar::detail
