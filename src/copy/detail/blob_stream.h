#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "copy/medium.h"
#include "digest/hasher.h"

namespace strata::copy::detail {

/// What becomes of a blob on its way.
enum class Change : std::uint8_t { None, Compress, Decompress };

/// A blob on its way. Corrupt if the bytes of the source have not the digest, or the size, that
/// their descriptor says: then the end never comes.
class BlobStream final : public ByteSource {
 public:
  /// Hears of the bytes of the source so far.
  using Progress = std::function<void(std::int64_t bytes)>;

  static Result<std::unique_ptr<BlobStream>> open(Source& source, const Descriptor& blob,
                                                  Change change, std::stop_token stop,
                                                  Progress progress);

  Result<std::size_t> read(std::span<char> buffer) override;
  /// Of the bytes that were given, once they have ended; without a media type.
  const Descriptor& outcome() const { return outcome_; }

 private:
  class Verified;
  BlobStream() = default;

  std::unique_ptr<ByteSource> raw_;
  std::unique_ptr<ByteSource> verified_;
  std::unique_ptr<ByteSource> changed_;  // reads verified_; none: it is given as it is
  bool drains_ = false;                  // changed_ may end before verified_ does
  Hasher hasher_;
  Descriptor outcome_;
};

/// The whole of a small blob, verified.
Result<std::string> read_small(Source& source, const Descriptor& blob, const std::stop_token& stop);

}  // namespace strata::copy::detail
