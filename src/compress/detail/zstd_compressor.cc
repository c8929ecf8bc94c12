#include "compress/detail/zstd_compressor.h"

#include <zstd.h>

namespace strata::detail {
namespace {

constexpr int kLevel = 3;
constexpr int kJob = 1 << 20;  // bytes of input

ZSTD_CCtx* context_of(void* context) { return static_cast<ZSTD_CCtx*>(context); }

}  // namespace

ZstdCompressor::ZstdCompressor(ByteSink sink, unsigned threads)
    : sink_(std::move(sink)), context_(ZSTD_createCCtx()), output_(ZSTD_CStreamOutSize(), '\0') {
  auto* c = context_of(context_);
  ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
  // At least one beside the caller's: without any the stream is not cut into jobs.
  ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers, static_cast<int>(threads));
  ZSTD_CCtx_setParameter(c, ZSTD_c_jobSize, kJob);
}

ZstdCompressor::~ZstdCompressor() { ZSTD_freeCCtx(context_of(context_)); }

Result<void> ZstdCompressor::run(std::string_view bytes, bool last) {
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out = {output_.data(), output_.size(), 0};
    auto left =
        ZSTD_compressStream2(context_of(context_), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0)
      return Error(ErrorCode::Internal, std::string("zstd: ") + ZSTD_getErrorName(left));
    if (out.pos > 0) TRY(sink_({output_.data(), out.pos}));
    if (last ? left == 0 : in.pos == in.size) return {};
  }
}

Result<void> ZstdCompressor::write(std::string_view bytes) { return run(bytes, false); }

Result<void> ZstdCompressor::finish() { return run({}, true); }

}  // namespace strata::detail
