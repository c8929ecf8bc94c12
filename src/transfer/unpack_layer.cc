#include "transfer/detail/unpack_layer.h"

#include <fmt/format.h>

#include <vector>

#include "compress/detect.h"

namespace strata::transfer::detail {
namespace {

constexpr const char* kLimitName = "the layer without compression (--max-layer-size)";

/// Up to the verified end, where a compression ends before the blob does.
Result<void> read_rest(ByteSource& blob) {
  std::vector<char> rest(std::size_t{64} << 10);
  while (TRY(blob.read(rest)) > 0) {
  }
  return {};
}

}  // namespace

Result<LayerWriter> unpack_layer(const Store& store, ByteSource& blob, DiffID wanted,
                                 const Unpacking& how) {
  auto plain = TRY(decompress(blob));
  auto donors = TRY(find_donors(store, how.below));
  auto writer = TRY(LayerWriter::create(store, LayerBase(), std::move(donors)));
  LimitedSource limited(*plain, how.max_size, kLimitName);
  WrittenBehind written(limited, how.behind);
  TRY(writer.add_tar(written));
  auto sealed = TRY(writer.seal());
  TRY(read_rest(blob));
  if (sealed.diff_id != wanted)
    return Error(ErrorCode::Corrupt, fmt::format("layer {}: invalid diffID: expected {}, got {}",
                                                 how.name, wanted.str(), sealed.diff_id.str()));
  return writer;
}

}  // namespace strata::transfer::detail
