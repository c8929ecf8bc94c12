#include "copy/detail/blob_stream.h"

#include "base/producer_source.h"
#include "compress/compressor.h"
#include "compress/detect.h"

namespace strata::copy::detail {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;

Result<void> compress(ByteSource& source, const ByteSink& sink) {
  auto gzip = make_compressor(Compression::Gzip, sink);
  std::vector<char> buffer(kPiece);
  for (;;) {
    auto n = TRY(source.read(buffer));
    if (n == 0) return gzip->finish();
    TRY(gzip->write({buffer.data(), n}));
  }
}

}  // namespace

/// The bytes of a source, compared with their descriptor.
class BlobStream::Verified final : public ByteSource {
 public:
  Verified(ByteSource& source, Descriptor blob, bool has_size, std::stop_token stop,
           Progress progress)
      : source_(source),
        blob_(std::move(blob)),
        has_size_(has_size),
        stop_(std::move(stop)),
        progress_(std::move(progress)) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
    if (buffer.empty() || ended_) return std::size_t{0};
    auto n = TRY(source_.read(buffer));
    hasher_.update(buffer.data(), n);
    bytes_ += static_cast<std::int64_t>(n);
    if (has_size_ && bytes_ > blob_.size)
      return Error(ErrorCode::Corrupt,
                   fmt::format("blob {} is larger than the {} bytes of its manifest",
                               blob_.digest.str(), blob_.size));
    if (n == 0) TRY(check());
    if (progress_) progress_(bytes_);
    return n;
  }

 private:
  Result<void> check() {
    ended_ = true;
    if (has_size_ && bytes_ < blob_.size)
      return Error(ErrorCode::Corrupt,
                   fmt::format("blob {} has {} bytes, and not the {} of its manifest",
                               blob_.digest.str(), bytes_, blob_.size));
    if (auto digest = hasher_.finish(); digest != blob_.digest)
      return Error(ErrorCode::Corrupt,
                   fmt::format("expected digest {}, got {}", blob_.digest.str(), digest.str()));
    return {};
  }

  ByteSource& source_;
  const Descriptor blob_;
  const bool has_size_;
  const std::stop_token stop_;
  const Progress progress_;
  Hasher hasher_;
  std::int64_t bytes_ = 0;
  bool ended_ = false;
};

Result<std::unique_ptr<BlobStream>> BlobStream::open(Source& source, const Descriptor& blob,
                                                     Change change, std::stop_token stop,
                                                     Progress progress) {
  std::unique_ptr<BlobStream> stream(new BlobStream());
  stream->raw_ = TRY(source.open(blob));
  stream->verified_ = std::make_unique<Verified>(*stream->raw_, blob, !source.is_made_up(),
                                                 std::move(stop), std::move(progress));
  auto& verified = *stream->verified_;
  if (change == Change::Compress)
    stream->changed_ = std::make_unique<ProducerSource>(
        [&verified](const ByteSink& sink) { return compress(verified, sink); });
  if (change == Change::Decompress) {
    stream->changed_ = TRY(decompress(verified));
    stream->drains_ = true;
  }
  return stream;
}

Result<std::size_t> BlobStream::read(std::span<char> buffer) {
  if (buffer.empty() || !outcome_.digest.is_zero()) return std::size_t{0};
  auto n = TRY((changed_ ? *changed_ : *verified_).read(buffer));
  hasher_.update(buffer.data(), n);
  outcome_.size += static_cast<std::int64_t>(n);
  if (n > 0) return n;
  if (drains_) {
    std::vector<char> rest(kPiece);
    while (TRY(verified_->read(rest)) > 0) {
    }
  }
  outcome_.digest = hasher_.finish();
  return n;
}

Result<std::string> read_small(Source& source, const Descriptor& blob,
                               const std::stop_token& stop) {
  if (blob.size > registry::kMaxDocument)
    return Error(ErrorCode::Corrupt, fmt::format("blob {} is larger than {} bytes",
                                                 blob.digest.str(), registry::kMaxDocument));
  auto stream = TRY(BlobStream::open(source, blob, Change::None, stop, {}));
  LimitedSource limited(*stream, registry::kMaxDocument, "blob " + blob.digest.str());
  std::string text;
  std::vector<char> buffer(kPiece);
  while (auto n = TRY(limited.read(buffer))) text.append(buffer.data(), n);
  return text;
}

}  // namespace strata::copy::detail
