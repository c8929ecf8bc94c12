#include "compress/xz_reader.h"

#include <lzma.h>

#include "compress/detail/input_buffer.h"

namespace strata {
namespace {

constexpr std::uint64_t kXzMemoryLimit = std::uint64_t{256} << 20;  // bytes

Error xz_error(lzma_ret status) {
  switch (status) {
    case LZMA_BUF_ERROR:
      return Error(ErrorCode::Corrupt, "unexpected EOF");
    case LZMA_FORMAT_ERROR:
      return Error(ErrorCode::Corrupt, "xz: invalid header");
    case LZMA_OPTIONS_ERROR:
      return Error(ErrorCode::Unsupported, "xz: unsupported options");
    case LZMA_MEMLIMIT_ERROR:
      return Error(ErrorCode::Unsupported, "xz: needs more than 256 MiB of memory");
    case LZMA_MEM_ERROR:
      return Error(ErrorCode::System, "xz: cannot allocate memory");
    default:
      return Error(ErrorCode::Corrupt, "xz: invalid data");
  }
}

}  // namespace

struct XzReader::State {
  explicit State(ByteSource& source) : input(source) {
    status = lzma_stream_decoder(&lzma, kXzMemoryLimit, LZMA_CONCATENATED);
  }
  ~State() { lzma_end(&lzma); }

  detail::InputBuffer input;
  lzma_stream lzma = LZMA_STREAM_INIT;
  lzma_ret status = LZMA_OK;
  bool input_ended = false;
};

XzReader::XzReader(ByteSource& source) : state_(std::make_unique<State>(source)) {}
XzReader::~XzReader() = default;

Result<std::size_t> XzReader::read(std::span<char> buffer) {
  State& s = *state_;
  while (!buffer.empty()) {
    if (s.status == LZMA_STREAM_END) return std::size_t{0};
    if (s.status != LZMA_OK) return xz_error(s.status);
    if (!s.input_ended) s.input_ended = !TRY(s.input.fill());
    const auto input = s.input.rest();
    s.lzma.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    s.lzma.avail_in = input.size();
    s.lzma.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
    s.lzma.avail_out = buffer.size();
    // Told that nothing follows, it knows a file that is cut short from one that goes on.
    s.status = lzma_code(&s.lzma, s.input_ended ? LZMA_FINISH : LZMA_RUN);
    s.input.use(input.size() - s.lzma.avail_in);
    if (std::size_t given = buffer.size() - s.lzma.avail_out; given > 0) return given;
  }
  return std::size_t{0};
}

}  // namespace strata
