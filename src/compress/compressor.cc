#include "compress/compressor.h"

#include <algorithm>

#include "base/parallel.h"
#include "compress/detail/parallel_gzip.h"
#include "compress/detail/zstd_compressor.h"

namespace strata {
namespace {

class PassThrough final : public Compressor {
 public:
  explicit PassThrough(ByteSink sink) : sink_(std::move(sink)) {}
  Result<void> write(std::string_view bytes) override { return sink_(bytes); }
  Result<void> finish() override { return {}; }

 private:
  ByteSink sink_;
};

}  // namespace

std::optional<Compression> parse_compression(std::string_view text) {
  if (text == "uncompressed") return Compression::None;
  if (text == "gzip") return Compression::Gzip;
  if (text == "zstd") return Compression::Zstd;
  return std::nullopt;
}

std::unique_ptr<Compressor> make_compressor(Compression how, ByteSink sink, unsigned threads) {
  if (threads == 0) threads = processors();
  threads = std::min(threads, kMostCompressors);
  if (how == Compression::Gzip)
    return std::make_unique<detail::ParallelGzip>(std::move(sink), threads);
  if (how == Compression::Zstd)
    return std::make_unique<detail::ZstdCompressor>(std::move(sink), threads);
  return std::make_unique<PassThrough>(std::move(sink));
}

}  // namespace strata
