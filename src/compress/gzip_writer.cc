#include "compress/gzip_writer.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace strata {
namespace {

constexpr std::size_t kWriterInput = std::size_t{256} << 10;
constexpr std::size_t kOutput = std::size_t{64} << 10;

}  // namespace

struct GzipWriter::State {
  explicit State(ByteSink s) : sink(std::move(s)) {
    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = level_buffer.get();
    stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream.gzip_flag = IGZIP_GZIP;
    input.reserve(kWriterInput);
  }

  /// Compresses all of `input` and empties it.
  Result<void> deflate(bool last) {
    stream.next_in = input.data();
    stream.avail_in = static_cast<std::uint32_t>(input.size());
    stream.end_of_stream = last ? 1 : 0;
    do {
      stream.next_out = output.data();
      stream.avail_out = kOutput;
      if (isal_deflate(&stream) != COMP_OK) return Error(ErrorCode::Internal, "gzip: deflate");
      std::size_t n = kOutput - stream.avail_out;
      if (n > 0) TRY(sink({reinterpret_cast<const char*>(output.data()), n}));
    } while (stream.avail_out == 0);
    input.clear();
    return {};
  }

  ByteSink sink;
  std::unique_ptr<std::uint8_t[]> level_buffer =
      std::make_unique_for_overwrite<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
  // ISA-L cuts blocks where its input ends; gathering makes the cuts those of the stream alone.
  std::vector<std::uint8_t> input;
  std::array<std::uint8_t, kOutput> output;
  isal_zstream stream;
};

GzipWriter::GzipWriter(ByteSink sink) : sink_(std::move(sink)) {}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;

GzipWriter::State& GzipWriter::state() {
  if (!state_) state_ = std::make_unique<State>(std::move(sink_));
  return *state_;
}

Result<void> GzipWriter::write(std::string_view bytes) {
  State& s = state();
  while (!bytes.empty()) {
    std::size_t n = std::min(bytes.size(), kWriterInput - s.input.size());
    s.input.insert(s.input.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes.remove_prefix(n);
    if (s.input.size() == kWriterInput) TRY(s.deflate(false));
  }
  return {};
}

Result<void> GzipWriter::finish() { return state().deflate(true); }

}  // namespace strata
