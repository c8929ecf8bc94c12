#include "tar/split.h"

#include <utility>

#include "compress/gzip_reader.h"
#include "compress/gzip_writer.h"
#include "tar/detail/split_line.h"

namespace strata::tar {
namespace {

constexpr std::size_t kReadSize = std::size_t{128} << 10;
constexpr std::size_t kMaxLine = std::size_t{16} << 20;

}  // namespace

struct SplitWriter::State {
  explicit State(ByteSink sink) : gzip(std::move(sink)) {}

  Result<void> write_line() {
    position++;
    return gzip.write(line);
  }

  GzipWriter gzip;
  std::int64_t position = 0;
  std::string line;  // kept for its memory
};

SplitWriter::SplitWriter(ByteSink sink) : state_(std::make_unique<State>(std::move(sink))) {}
SplitWriter::SplitWriter(SplitWriter&&) noexcept = default;
SplitWriter& SplitWriter::operator=(SplitWriter&&) noexcept = default;
SplitWriter::~SplitWriter() = default;

Result<void> SplitWriter::segment(std::string_view bytes) {
  if (bytes.empty()) return {};
  state_->line.clear();
  detail::append_segment_line(state_->line, bytes, state_->position);
  return state_->write_line();
}

Result<void> SplitWriter::file(std::string_view name, std::int64_t size, std::uint64_t crc) {
  state_->line.clear();
  detail::append_file_line(state_->line, name, size, crc, state_->position);
  return state_->write_line();
}

Result<void> SplitWriter::finish() { return state_->gzip.finish(); }

struct SplitReader::State {
  explicit State(ByteSource& compressed) : gzip(compressed) {}

  /// The next line without its newline, which the last one need not have; nullopt at the end. Lives
  /// until the next call.
  Result<std::optional<std::string_view>> next_line() {
    std::size_t scanned = start;
    while (true) {
      std::size_t end = buffer.find('\n', scanned);
      if (end == std::string::npos && at_end) end = buffer.size();
      if (end != std::string::npos) {
        if (start >= buffer.size()) return std::optional<std::string_view>();
        auto line = std::string_view(buffer).substr(start, end - start);
        start = end + 1;
        return std::optional(line);
      }
      buffer.erase(0, start);
      start = 0;
      scanned = buffer.size();
      TRY(read_more());
    }
  }

  Result<void> read_more() {
    const std::size_t size = buffer.size();
    if (size > kMaxLine) return Error(ErrorCode::Corrupt, "tar-split: entry too long");
    buffer.resize(size + kReadSize);
    std::size_t n = TRY(gzip.read(std::span(buffer).subspan(size)));
    buffer.resize(size + n);
    at_end = n == 0;
    return {};
  }

  GzipReader gzip;
  std::string buffer;
  std::size_t start = 0;  // of the next line in `buffer`
  bool at_end = false;
  std::int64_t position = 0;
};

SplitReader::SplitReader(ByteSource& compressed) : state_(std::make_unique<State>(compressed)) {}
SplitReader::SplitReader(SplitReader&&) noexcept = default;
SplitReader& SplitReader::operator=(SplitReader&&) noexcept = default;
SplitReader::~SplitReader() = default;

Result<std::optional<SplitEntry>> SplitReader::next() {
  while (auto line = TRY(state_->next_line())) {
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    return std::optional(TRY(detail::parse_split_line(*line, state_->position++)));
  }
  return std::optional<SplitEntry>();
}

}  // namespace strata::tar
