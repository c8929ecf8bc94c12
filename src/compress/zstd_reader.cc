#include "compress/zstd_reader.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "compress/detail/input_buffer.h"

namespace strata {
namespace {

Error zstd_error(std::size_t status, bool any_frame) {
  switch (ZSTD_getErrorCode(status)) {
    case ZSTD_error_prefix_unknown:
      return Error(ErrorCode::Corrupt,
                   any_frame ? "zstd: trailing garbage" : "zstd: invalid header");
    case ZSTD_error_checksum_wrong:
      return Error(ErrorCode::Corrupt, "zstd: invalid checksum");
    case ZSTD_error_frameParameter_windowTooLarge:
      return Error(ErrorCode::Unsupported, "zstd: needs more than 128 MiB of memory");
    case ZSTD_error_dictionary_wrong:
      return Error(ErrorCode::Unsupported, "zstd: needs a dictionary");
    case ZSTD_error_memory_allocation:
      return Error(ErrorCode::System, "zstd: cannot allocate memory");
    default:
      return Error(ErrorCode::Corrupt, "zstd: invalid data");
  }
}

}  // namespace

struct ZstdReader::State {
  explicit State(ByteSource& source) : input(source), zstd(ZSTD_createDStream()) {}
  ~State() { ZSTD_freeDStream(zstd); }

  detail::InputBuffer input;
  ZSTD_DStream* zstd;
  bool any_frame = false;  // one has been read to its end
  bool in_frame = false;
};

ZstdReader::ZstdReader(ByteSource& source) : state_(std::make_unique<State>(source)) {}
ZstdReader::~ZstdReader() = default;

Result<std::size_t> ZstdReader::read(std::span<char> buffer) {
  State& s = *state_;
  if (s.zstd == nullptr) return Error(ErrorCode::System, "zstd: cannot allocate memory");
  while (!buffer.empty()) {
    // Inside a frame it may hold output back, so that no input is no reason not to ask.
    if (!s.in_frame && !TRY(s.input.fill())) {
      if (s.any_frame) return std::size_t{0};
      return Error(ErrorCode::Corrupt, "unexpected EOF");
    }
    ZSTD_inBuffer in = {s.input.rest().data(), s.input.rest().size(), 0};
    ZSTD_outBuffer out = {buffer.data(), buffer.size(), 0};
    std::size_t status = ZSTD_decompressStream(s.zstd, &out, &in);
    if (ZSTD_isError(status) != 0) return zstd_error(status, s.any_frame);
    s.input.use(in.pos);
    s.in_frame = status != 0;
    s.any_frame = s.any_frame || status == 0;
    if (out.pos > 0) return out.pos;
    if (s.in_frame && !TRY(s.input.fill())) return Error(ErrorCode::Corrupt, "unexpected EOF");
  }
  return std::size_t{0};
}

}  // namespace strata
