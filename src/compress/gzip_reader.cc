#include "compress/gzip_reader.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace strata {
namespace {

constexpr std::size_t kInput = std::size_t{128} << 10;
constexpr std::size_t kMaxOutput = std::size_t{1} << 30;  // of one call; ISA-L counts in 32 bits

Error corrupt(const char* what) { return Error(ErrorCode::Corrupt, what); }

const char* describe(int isal_error) {
  switch (isal_error) {
    case ISAL_INVALID_WRAPPER:
      return "gzip: invalid header";
    case ISAL_UNSUPPORTED_METHOD:
      return "gzip: unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "gzip: invalid checksum";
    default:
      return "gzip: invalid deflate data";
  }
}

}  // namespace

struct GzipReader::State {
  explicit State(ByteSource& s) : source(s) { isal_inflate_init(&inflate); }

  /// Makes input available; false at the end of the source.
  Result<bool> fill() {
    if (inflate.avail_in > 0) return true;
    std::size_t n = TRY(source.read({reinterpret_cast<char*>(input.data()), input.size()}));
    inflate.next_in = input.data();
    inflate.avail_in = static_cast<std::uint32_t>(n);
    return n > 0;
  }

  /// At a place where a member may begin: starts it, or says that the stream ends here.
  Result<bool> next_member() {
    if (!TRY(fill())) {
      if (!any_member) return corrupt("unexpected EOF");
      return false;
    }
    // ISA-L would see only after ten bytes that this is no header.
    if (*inflate.next_in != 0x1f)
      return corrupt(any_member ? "gzip: trailing garbage" : "gzip: invalid header");
    isal_inflate_reset(&inflate);
    inflate.crc_flag = ISAL_GZIP;
    any_member = in_member = true;
    return true;
  }

  ByteSource& source;
  bool any_member = false;
  bool in_member = false;
  std::array<std::uint8_t, kInput> input;
  inflate_state inflate;
};

GzipReader::GzipReader(ByteSource& source) : state_(std::make_unique<State>(source)) {}
GzipReader::~GzipReader() = default;

Result<std::size_t> GzipReader::read(std::span<char> buffer) {
  State& s = *state_;
  const std::size_t size = std::min(buffer.size(), kMaxOutput);
  while (size > 0) {
    if (!s.in_member && !TRY(s.next_member())) return std::size_t{0};
    s.inflate.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
    s.inflate.avail_out = static_cast<std::uint32_t>(size);
    // ISA-L may hold output back from the last call, so it is asked before more input is read.
    int status = isal_inflate(&s.inflate);
    if (status != ISAL_DECOMP_OK) return corrupt(describe(status));
    std::size_t given = size - s.inflate.avail_out;
    if (s.inflate.block_state == ISAL_BLOCK_FINISH) s.in_member = false;
    if (given > 0) return given;
    if (s.in_member && !TRY(s.fill())) return corrupt("unexpected EOF");
  }
  return std::size_t{0};
}

}  // namespace strata
