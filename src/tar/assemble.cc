#include <algorithm>
#include <array>
#include <vector>

#include "base/io.h"
#include "tar/crc64.h"
#include "tar/detail/utf8.h"
#include "tar/split.h"

namespace strata::tar {
namespace {

constexpr std::size_t kCopySize = std::size_t{256} << 10;

/// As Go's %q, but characters beyond ASCII that do not print stay as they are.
std::string quoted(std::string_view text) {
  constexpr std::string_view kShort = "\aa\bb\ff\nn\rr\tt\vv\"\"\\\\";  // the character, its letter
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    std::size_t n = detail::utf8_length(text);
    const char c = text[0];
    std::size_t i = 0;
    while (i < kShort.size() && kShort[i] != c) i += 2;
    if (i < kShort.size()) {
      out.append({'\\', kShort[i + 1]});
    } else if (n == 0 || static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) {
      auto byte = static_cast<std::uint8_t>(c);
      out.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      out.append(text.substr(0, n));
    }
    text.remove_prefix(std::max(n, std::size_t{1}));
  }
  return out + '"';
}

Error checksum_failed(const SplitEntry& file) {
  return Error(ErrorCode::Corrupt, "file integrity checksum failed for " + quoted(file.name));
}

/// Sends the content of `file`, and never more than its size.
Result<void> copy_file(const SplitEntry& file, int fd, std::vector<char>& buffer,
                       const ByteSink& sink) {
  std::int64_t left = file.size;
  std::uint64_t crc = 0;
  while (true) {
    // One byte more than is left tells a file that has grown.
    auto wanted = std::min(static_cast<std::uint64_t>(left) + 1, std::uint64_t{buffer.size()});
    std::size_t n = TRY(read_full(fd, buffer.data(), wanted));
    if (n > static_cast<std::uint64_t>(left)) return checksum_failed(file);
    if (n == 0) break;
    left -= static_cast<std::int64_t>(n);
    crc = crc64({buffer.data(), n}, crc);
    TRY(sink({buffer.data(), n}));
  }
  if (left > 0 || crc != file.crc) return checksum_failed(file);
  return {};
}

}  // namespace

Result<void> assemble(SplitReader& split, const OpenFile& open_file, const ByteSink& sink) {
  std::vector<char> buffer(kCopySize);
  while (auto entry = TRY(split.next())) {
    if (entry->kind == SplitEntry::Kind::Segment) {
      if (!entry->bytes.empty()) TRY(sink(entry->bytes));
    } else if (entry->size > 0) {
      UniqueFd fd = TRY(open_file(entry->name));
      TRY(copy_file(*entry, fd.get(), buffer, sink));
    }
  }
  return {};
}

}  // namespace strata::tar
