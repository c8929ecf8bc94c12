#pragma once

#include <string>

#include "compress/compressor.h"

namespace strata::detail {

/// Compression::Zstd. libzstd cuts the stream into jobs of a fixed size for its threads, so their
/// number does not show.
class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor(ByteSink sink, unsigned threads);
  ~ZstdCompressor() override;

  Result<void> write(std::string_view bytes) override;
  Result<void> finish() override;

 private:
  Result<void> run(std::string_view bytes, bool last);

  ByteSink sink_;
  void* context_;  // ZSTD_CCtx
  std::string output_;
};

}  // namespace strata::detail
