#include <algorithm>
#include <memory>

#include "tar/crc64.h"
#include "tar/detail/utf8.h"
#include "tar/split.h"

namespace strata::tar {
namespace {

constexpr std::size_t kPieceSize = std::size_t{256} << 10;  // bytes

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

/// Collects what goes to a sink into larger pieces, so that small files and their headers go
/// together.
class Pieces {
 public:
  Pieces(const ByteSink& sink, const Room& more) : sink_(sink), more_(more) {}

  Result<void> add(std::string_view bytes) {
    while (!bytes.empty()) {
      auto room = TRY(this->room());
      auto n = std::min(room.size(), bytes.size());
      std::copy_n(bytes.data(), n, room.data());
      used_ += n;
      bytes.remove_prefix(n);
    }
    return {};
  }

  /// Sends the content of `file`, and never more than its size.
  Result<void> add_file(const SplitEntry& file, int fd) {
    std::int64_t left = file.size;
    std::uint64_t crc = 0;
    for (bool ended = false; !ended;) {
      auto room = TRY(this->room());
      // One byte more than is left tells a file that has grown.
      auto wanted = std::min(static_cast<std::uint64_t>(left) + 1, std::uint64_t{room.size()});
      std::size_t n = TRY(FdSource(fd).read(room.first(wanted)));
      if (n > static_cast<std::uint64_t>(left)) return checksum_failed(file);
      left -= static_cast<std::int64_t>(n);
      crc = crc64({room.data(), n}, crc);
      used_ += n;
      ended = n == 0 || (left == 0 && n < wanted);
    }
    if (left > 0 || crc != file.crc) return checksum_failed(file);
    return {};
  }

  Result<void> flush() {
    if (used_ > 0) TRY(sink_({piece_.data(), used_}));
    piece_ = {};
    used_ = 0;
    return {};
  }

 private:
  /// What is left of the piece, at least a byte.
  Result<std::span<char>> room() {
    if (used_ == piece_.size()) {
      TRY(flush());
      piece_ = more_();
    }
    return piece_.subspan(used_);
  }

  const ByteSink& sink_;
  const Room& more_;
  std::span<char> piece_;
  std::size_t used_ = 0;  // of piece_
};

}  // namespace

Result<void> assemble(SplitReader& split, const OpenFile& open_file, const ByteSink& sink) {
  auto piece = std::make_unique_for_overwrite<char[]>(kPieceSize);
  return assemble(split, open_file, sink, [&] { return std::span(piece.get(), kPieceSize); });
}

Result<void> assemble(SplitReader& split, const OpenFile& open_file, const ByteSink& sink,
                      const Room& room) {
  Pieces out(sink, room);
  while (auto entry = TRY(split.next())) {
    if (entry->kind == SplitEntry::Kind::Segment) {
      TRY(out.add(entry->bytes));
    } else if (entry->size > 0) {
      UniqueFd fd = TRY(open_file(entry->name));
      TRY(out.add_file(*entry, fd.get()));
    }
  }
  return out.flush();
}

}  // namespace strata::tar
