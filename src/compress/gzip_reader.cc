#include "compress/gzip_reader.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace strata {
namespace {

constexpr std::size_t kReaderInput = std::size_t{128} << 10;
constexpr std::size_t kMaxOutput = std::size_t{1} << 30;  // of one call; ISA-L counts in 32 bits

Error corrupt(const char* what) { return Error(ErrorCode::Corrupt, what); }

constexpr std::array<std::uint8_t, 2> kMagic{0x1f, 0x8b};
// Flags of a member's header.
constexpr std::uint8_t kHeaderCrc = 1U << 1;
constexpr std::uint8_t kExtra = 1U << 2;
constexpr std::uint8_t kName = 1U << 3;
constexpr std::uint8_t kComment = 1U << 4;
constexpr std::uint8_t kReserved = 0xe0;
constexpr std::uint8_t kDeflate = 8;  // the only compression method there is

}  // namespace

struct GzipReader::State {
  explicit State(ByteSource& s) : source(s) { isal_inflate_init(&inflate); }

  /// Makes input available; false at the end of the source. Gathered, because ISA-L moves its
  /// 32 KiB window at every call.
  Result<bool> fill() {
    if (inflate.avail_in > 0) return true;
    std::size_t n = TRY(read_full(source, {reinterpret_cast<char*>(input.data()), input.size()}));
    inflate.next_in = input.data();
    inflate.avail_in = static_cast<std::uint32_t>(n);
    return n > 0;
  }

  /// The next byte of a header, which its CRC covers.
  Result<std::uint8_t> header_byte() {
    if (!TRY(fill())) return corrupt("unexpected EOF");
    std::uint8_t byte = *inflate.next_in++;
    inflate.avail_in--;
    header_crc = crc32_gzip_refl(header_crc, &byte, 1);
    return byte;
  }

  Result<std::uint32_t> header_uint16() {
    std::uint32_t low = TRY(header_byte());
    std::uint32_t high = TRY(header_byte());
    return low | high << 8;
  }

  Result<void> skip_header_bytes(std::uint32_t count) {
    while (count-- > 0) TRY(header_byte());
    return {};
  }

  Result<void> skip_header_text() {
    while (TRY(header_byte()) != 0) {
    }
    return {};
  }

  /// RFC 1952, 2.3. Read here because ISA-L 2.30 miscounts the header's CRC when it comes in
  /// pieces.
  Result<void> read_header() {
    header_crc = 0;
    for (std::uint8_t magic : kMagic)
      if (TRY(header_byte()) != magic)
        return corrupt(any_member ? "gzip: trailing garbage" : "gzip: invalid header");
    if (TRY(header_byte()) != kDeflate) return corrupt("gzip: unknown compression method");
    const std::uint8_t flags = TRY(header_byte());
    if ((flags & kReserved) != 0) return corrupt("gzip: invalid header");
    TRY(skip_header_bytes(6));  // time, extra flags, operating system
    if ((flags & kExtra) != 0) {
      std::uint32_t size = TRY(header_uint16());
      TRY(skip_header_bytes(size));
    }
    if ((flags & kName) != 0) TRY(skip_header_text());
    if ((flags & kComment) != 0) TRY(skip_header_text());
    if ((flags & kHeaderCrc) != 0) {
      const std::uint32_t crc = header_crc & 0xffff;
      if (TRY(header_uint16()) != crc) return corrupt("gzip: invalid header");
    }
    return {};
  }

  /// At a place where a member may begin: starts it, or says that the stream ends here.
  Result<bool> next_member() {
    if (any_member && !TRY(fill())) return false;
    TRY(read_header());
    isal_inflate_reset(&inflate);
    inflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
    any_member = in_member = true;
    return true;
  }

  ByteSource& source;
  bool any_member = false;
  bool in_member = false;
  std::uint32_t header_crc = 0;
  std::array<std::uint8_t, kReaderInput> input;
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
    if (status == ISAL_INCORRECT_CHECKSUM) return corrupt("gzip: invalid checksum");
    if (status != ISAL_DECOMP_OK) return corrupt("gzip: invalid deflate data");
    std::size_t given = size - s.inflate.avail_out;
    if (s.inflate.block_state == ISAL_BLOCK_FINISH) s.in_member = false;
    if (given > 0) return given;
    if (s.in_member && !TRY(s.fill())) return corrupt("unexpected EOF");
  }
  return std::size_t{0};
}

}  // namespace strata
