#include "tar/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tar/detail/block.h"
#include "tar/detail/pax.h"
#include "tar/writer.h"

namespace strata::tar {
namespace {

constexpr std::size_t kBuffer = std::size_t{128} << 10;
constexpr std::size_t kMaxRaw = std::size_t{4} << 20;

Error unexpected_eof() { return Error(ErrorCode::Corrupt, "unexpected EOF"); }

std::string_view c_string(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

bool describes_next(char flag) {
  return flag == detail::kPaxHeader || flag == detail::kGnuLongName || flag == detail::kGnuLongLink;
}

Result<EntryType> type_of(const Entry& entry, char flag) {
  switch (flag) {
    case detail::kOldRegular:
      return entry.name.ends_with('/') ? EntryType::Directory : EntryType::Regular;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
      return static_cast<EntryType>(flag);
    case detail::kGnuSparse:
      return Error(ErrorCode::Unsupported,
                   "tar entry " + entry.name + ": sparse files are not supported");
    default:
      return Error(ErrorCode::Unsupported, "tar entry " + entry.name + ": unknown type flag " +
                                               std::to_string(static_cast<unsigned char>(flag)));
  }
}

}  // namespace

/// What the members before a file say about it.
struct Reader::Meta {
  bool any = false;
  detail::PaxRecords pax;
  std::string gnu_name;
  std::string gnu_link;
};

Reader::Reader(ByteSource& source)
    : source_(source), buffer_(std::make_unique_for_overwrite<char[]>(kBuffer)) {}

/// Makes bytes available; false at the end of the stream.
Result<bool> Reader::fill() {
  if (ahead_.empty()) {
    std::size_t n = TRY(source_.read({buffer_.get(), kBuffer}));
    ahead_ = {buffer_.get(), n};
  }
  return !ahead_.empty();
}

/// Moves `size` bytes of the stream to raw_; fewer only at its end.
Result<std::size_t> Reader::take(std::size_t size) {
  if (size > kMaxRaw - raw_.size()) return detail::invalid_header("too long");
  std::size_t taken = 0;
  while (taken < size && TRY(fill())) {
    std::string_view piece = ahead_.substr(0, size - taken);
    raw_ += piece;
    ahead_.remove_prefix(piece.size());
    taken += piece.size();
  }
  return taken;
}

Result<void> Reader::take_all(std::size_t size) {
  if (TRY(take(size)) < size) return unexpected_eof();
  return {};
}

/// The data of a describing member; its padding stays in the stream.
Result<std::string_view> Reader::take_meta(std::int64_t size) {
  if (size > detail::kMaxMeta) return detail::invalid_header("too long");
  const std::size_t start = raw_.size();
  TRY(take_all(static_cast<std::size_t>(size)));
  return std::string_view(raw_).substr(start);
}

Result<void> Reader::skip_content() {
  while (content_left_ > 0) {
    if (!TRY(fill())) return unexpected_eof();
    auto n = std::min(static_cast<std::uint64_t>(content_left_), std::uint64_t{ahead_.size()});
    ahead_.remove_prefix(n);
    content_left_ -= static_cast<std::int64_t>(n);
  }
  return {};
}

/// The next header block, at the end of raw_; false at the end of the archive.
Result<bool> Reader::take_header() {
  for (int zero_blocks = 0; zero_blocks < 2; zero_blocks++) {
    std::size_t n = TRY(take(kBlock));
    if (n == 0) return false;
    if (n < kBlock) return unexpected_eof();
    if (!std::string_view(raw_).ends_with(end_marker().substr(kBlock))) {
      if (zero_blocks > 0) return detail::invalid_header("single zero block");
      return true;
    }
  }
  return false;
}

Result<std::optional<Entry>> Reader::next() {
  TRY(skip_content());
  raw_.clear();
  if (done_) return std::optional<Entry>();
  std::size_t padding = std::exchange(padding_, 0);
  if (TRY(take(padding)) < padding) {  // nothing is missing but zeros
    done_ = true;
    return std::optional<Entry>();
  }
  return next_member();
}

Result<std::optional<Entry>> Reader::next_member() {
  Meta meta;
  while (TRY(take_header())) {
    auto block = reinterpret_cast<const std::uint8_t*>(raw_.data()) + raw_.size() - kBlock;
    auto [entry, flag] = TRY(detail::parse_block(detail::Block(block, kBlock)));
    if (flag == static_cast<char>(EntryType::GlobalPax)) return global(std::move(entry));
    if (!describes_next(flag)) return described(std::move(entry), flag, meta);
    std::string_view data = TRY(take_meta(entry.size));
    if (flag == detail::kPaxHeader) {
      meta.pax = TRY(detail::parse_pax_records(data));
    } else {
      (flag == detail::kGnuLongName ? meta.gnu_name : meta.gnu_link) = c_string(data);
    }
    TRY(take_all(padding_size(entry.size)));
    meta.any = true;
  }
  if (meta.any) return unexpected_eof();  // the member that it describes is missing
  done_ = true;
  return std::optional<Entry>();
}

Result<std::optional<Entry>> Reader::global(Entry entry) {
  std::string_view records = TRY(take_meta(entry.size));
  TRY(detail::parse_pax_records(records));
  padding_ = padding_size(entry.size);
  Entry shown;
  shown.name = std::move(entry.name);
  shown.type = EntryType::GlobalPax;
  return std::optional<Entry>(std::move(shown));
}

/// The header with what the members before it say.
Result<std::optional<Entry>> Reader::described(Entry entry, char flag, const Meta& meta) {
  TRY(detail::apply_pax_records(entry, meta.pax));
  if (!meta.gnu_name.empty()) entry.name = meta.gnu_name;
  if (!meta.gnu_link.empty()) entry.linkname = meta.gnu_link;
  entry.type = TRY(type_of(entry, flag));
  if (entry.type != EntryType::Regular) entry.size = 0;
  content_left_ = entry.size;
  padding_ = padding_size(entry.size);
  return std::optional<Entry>(std::move(entry));
}

Result<std::size_t> Reader::read(std::span<char> buffer) {
  const auto size = static_cast<std::size_t>(
      std::min(static_cast<std::uint64_t>(content_left_), std::uint64_t{buffer.size()}));
  if (size == 0) return std::size_t{0};
  std::size_t n = std::min(size, ahead_.size());
  if (n > 0) {
    std::memcpy(buffer.data(), ahead_.data(), n);
    ahead_.remove_prefix(n);
  } else if (size < kBuffer) {
    if (!TRY(fill())) return unexpected_eof();
    return read(buffer);
  } else {  // a large piece goes past our buffer
    n = TRY(source_.read(buffer.first(size)));
    if (n == 0) return unexpected_eof();
  }
  content_left_ -= static_cast<std::int64_t>(n);
  return n;
}

Result<void> Reader::read_rest(const ByteSink& sink) {
  while (TRY(fill())) {
    TRY(sink(ahead_));
    ahead_ = {};
  }
  return {};
}

}  // namespace strata::tar
