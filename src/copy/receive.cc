#include <algorithm>

#include "copy/wire.h"

namespace strata::copy {
namespace {

constexpr std::size_t kMostImages = 1000;
constexpr std::size_t kMaxConfigs = std::size_t{64} << 20;  // bytes of all configs together

/// A layer on its way: the frames that the sender gives.
class WireLayer final : public ByteSource {
 public:
  explicit WireLayer(Wire& wire) : wire_(wire) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (buffer.empty()) return std::size_t{0};
    while (taken_ == piece_.size() && !ended_) {
      auto frame = TRY(wire_.receive());
      if (frame.kind != 'D' && frame.kind != 'E')
        return Error(ErrorCode::Corrupt, "something else came in the midst of a layer");
      ended_ = frame.kind == 'E';
      piece_ = std::move(frame.content);
      taken_ = 0;
    }
    auto n = std::min(buffer.size(), piece_.size() - taken_);
    std::copy_n(piece_.data() + taken_, n, buffer.data());
    taken_ += n;
    return n;
  }

 private:
  Wire& wire_;
  std::string piece_;
  std::size_t taken_ = 0;  // of piece_
  bool ended_ = false;
};

/// The layers of the other side: opening one asks for it.
class WireMembers final : public archive::Members {
 public:
  explicit WireMembers(Wire& wire) : wire_(wire) {}
  Result<std::unique_ptr<ByteSource>> open(const std::string& name) const override {
    TRY(wire_.send('N', name));
    return std::unique_ptr<ByteSource>(std::make_unique<WireLayer>(wire_));
  }
  bool contains(const std::string&) const override { return true; }
  Result<std::vector<std::string>> names() const override { return std::vector<std::string>(); }
  std::size_t at_once() const override { return 1; }  // one pipe

 private:
  Wire& wire_;
};

Result<archive::ArchivedImage> read_offer(const std::string& text) {
  auto json = TRY(Json::parse(text));
  archive::ArchivedImage image;
  image.config = json["config"].as_string();
  image.id = ImageID(sha256(image.config));
  image.parsed = TRY(parse_image_config(image.config).context("{}", image.id.str()));
  if (!image.parsed.os.empty() && image.parsed.os != "linux")
    return Error(ErrorCode::Unsupported, "operating system is not supported");
  if (image.parsed.diff_ids.size() > LayerDB::kMaxDepth)
    return Error(ErrorCode::InvalidArgument, "max depth exceeded");
  // The bytes travel compressed: what must be right is the tar, and its DiffID is compared.
  for (const auto& id : image.parsed.diff_ids) image.layers.push_back({id.str(), std::nullopt});
  for (const auto& name : json["names"].as_strings()) {
    auto reference = TRY(parse_new_name(name));
    image.names.push_back(std::move(reference));
  }
  return image;
}

Result<std::vector<archive::ArchivedImage>> read_offers(Wire& wire) {
  std::vector<archive::ArchivedImage> images;
  std::size_t total = 0;
  for (;;) {
    auto frame = TRY(wire.receive());
    if (frame.kind == 'O') return images;
    if (frame.kind != 'I')
      return Error(ErrorCode::Corrupt, "something else came in place of an offer");
    total += frame.content.size();
    if (images.size() == kMostImages || total > kMaxConfigs)
      return Error(ErrorCode::Corrupt, "too many images");
    auto image = TRY(read_offer(frame.content).context("an offer"));
    images.push_back(std::move(image));
  }
}

Result<void> receive(const Store& store, Wire& wire, const archive::LoadOptions& options) {
  TRY(wire.send('H', "strata 1"));
  auto images = TRY(read_offers(wire));
  WireMembers members(wire);
  auto loaded = TRY(archive::load_images(store, members, images, options));
  std::vector<std::string> ids;
  for (const auto& image : loaded) ids.push_back(image.id.str());
  return wire.send('R', Json::object({{"images", Json::strings(ids)}}).dump());
}

}  // namespace

Result<void> receive_images(const Store& store, Wire& wire, const archive::LoadOptions& options) {
  auto received = receive(store, wire, options);
  if (!received) (void)wire.send('X', received.error().message());
  return received;
}

}  // namespace strata::copy
