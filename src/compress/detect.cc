#include "compress/detect.h"

#include <algorithm>
#include <array>
#include <string>

#include "compress/bzip2_reader.h"
#include "compress/gzip_reader.h"
#include "compress/xz_reader.h"
#include "compress/zstd_reader.h"

namespace strata {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kTarMagicOffset = 257;

bool has_at(std::string_view head, std::size_t offset, std::string_view magic) {
  return head.size() >= offset && head.substr(offset, magic.size()) == magic;
}

bool is_zstd(std::string_view head) {
  if (has_at(head, 0, "\x28\xb5\x2f\xfd"sv)) return true;
  return has_at(head, 1, "\x2a\x4d\x18"sv) && (head[0] & 0xf0) == 0x50;
}

/// Gives `head` and then the rest of `source`.
class Prefixed : public ByteSource {
 public:
  Prefixed(std::string head, ByteSource& source) : head_(std::move(head)), source_(source) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (given_ == head_.size()) return source_.read(buffer);
    std::size_t n = std::min(buffer.size(), head_.size() - given_);
    std::copy_n(head_.data() + given_, n, buffer.data());
    given_ += n;
    return n;
  }

 private:
  const std::string head_;
  std::size_t given_ = 0;
  ByteSource& source_;
};

template <class Reader>
class Decompressed final : public ByteSource {
 public:
  Decompressed(std::string head, ByteSource& source)
      : compressed_(std::move(head), source), reader_(compressed_) {}
  Result<std::size_t> read(std::span<char> buffer) override { return reader_.read(buffer); }

 private:
  Prefixed compressed_;
  Reader reader_;
};

}  // namespace

StreamFormat detect_format(std::string_view head) {
  if (has_at(head, 0, "\x1f\x8b\x08"sv)) return StreamFormat::Gzip;
  if (has_at(head, 0, "BZh"sv)) return StreamFormat::Bzip2;
  if (has_at(head, 0, "\xfd\x37\x7a\x58\x5a\x00"sv)) return StreamFormat::Xz;
  if (is_zstd(head)) return StreamFormat::Zstd;
  if (has_at(head, kTarMagicOffset, "ustar"sv)) return StreamFormat::Tar;
  return StreamFormat::Unknown;
}

std::string_view format_name(StreamFormat format) {
  switch (format) {
    case StreamFormat::Unknown:
      return "unknown";
    case StreamFormat::Tar:
      return "tar";
    case StreamFormat::Gzip:
      return "gzip";
    case StreamFormat::Bzip2:
      return "bzip2";
    case StreamFormat::Xz:
      return "xz";
    case StreamFormat::Zstd:
      return "zstd";
  }
  return "unknown";
}

Result<std::unique_ptr<ByteSource>> decompress(ByteSource& source) {
  using Plain = std::unique_ptr<ByteSource>;
  std::string head(kDetectBytes, '\0');
  head.resize(TRY(read_full(source, head)));
  switch (detect_format(head)) {
    case StreamFormat::Unknown:
    case StreamFormat::Tar:
      break;
    case StreamFormat::Gzip:
      return Plain(std::make_unique<Decompressed<GzipReader>>(std::move(head), source));
    case StreamFormat::Bzip2:
      return Plain(std::make_unique<Decompressed<Bzip2Reader>>(std::move(head), source));
    case StreamFormat::Xz:
      return Plain(std::make_unique<Decompressed<XzReader>>(std::move(head), source));
    case StreamFormat::Zstd:
      return Plain(std::make_unique<Decompressed<ZstdReader>>(std::move(head), source));
  }
  return Plain(std::make_unique<Prefixed>(std::move(head), source));
}

}  // namespace strata
