#include "compress/bzip2_reader.h"

#include <bzlib.h>

#include <algorithm>

#include "compress/detail/input_buffer.h"

namespace strata {
namespace {

constexpr std::size_t kMaxBzip2Output = std::size_t{1} << 30;  // of one call; it counts in 32 bits

Error bzip2_error(int status, bool any_stream) {
  if (status == BZ_MEM_ERROR) return Error(ErrorCode::System, "bzip2: cannot allocate memory");
  if (status != BZ_DATA_ERROR_MAGIC) return Error(ErrorCode::Corrupt, "bzip2: invalid data");
  return Error(ErrorCode::Corrupt,
               any_stream ? "bzip2: trailing garbage" : "bzip2: invalid header");
}

}  // namespace

struct Bzip2Reader::State {
  explicit State(ByteSource& source) : input(source) {}
  ~State() { end_stream(); }

  void end_stream() {
    if (in_stream) BZ2_bzDecompressEnd(&bz);
    in_stream = false;
  }

  /// At a place where a stream may begin: starts it, or says that the file ends here.
  Result<bool> next_stream() {
    if (!TRY(input.fill())) {
      if (any_stream) return false;
      return Error(ErrorCode::Corrupt, "unexpected EOF");
    }
    bz = {};
    if (int status = BZ2_bzDecompressInit(&bz, 0, 0); status != BZ_OK)
      return bzip2_error(status, any_stream);
    return in_stream = true;
  }

  detail::InputBuffer input;
  bz_stream bz = {};
  bool any_stream = false;  // one has been read to its end
  bool in_stream = false;
};

Bzip2Reader::Bzip2Reader(ByteSource& source) : state_(std::make_unique<State>(source)) {}
Bzip2Reader::~Bzip2Reader() = default;

Result<std::size_t> Bzip2Reader::read(std::span<char> buffer) {
  State& s = *state_;
  const std::size_t size = std::min(buffer.size(), kMaxBzip2Output);
  while (size > 0) {
    if (!s.in_stream && !TRY(s.next_stream())) return std::size_t{0};
    // It may hold output back from the last call, so that no input is no reason not to ask.
    const auto input = s.input.rest();
    s.bz.next_in = const_cast<char*>(input.data());
    s.bz.avail_in = static_cast<unsigned>(input.size());
    s.bz.next_out = buffer.data();
    s.bz.avail_out = static_cast<unsigned>(size);
    int status = BZ2_bzDecompress(&s.bz);
    if (status != BZ_OK && status != BZ_STREAM_END) return bzip2_error(status, s.any_stream);
    s.input.use(input.size() - s.bz.avail_in);
    std::size_t given = size - s.bz.avail_out;
    if (status == BZ_STREAM_END) {
      s.end_stream();
      s.any_stream = true;
    }
    if (given > 0) return given;
    if (s.in_stream && !TRY(s.input.fill())) return Error(ErrorCode::Corrupt, "unexpected EOF");
  }
  return std::size_t{0};
}

}  // namespace strata
