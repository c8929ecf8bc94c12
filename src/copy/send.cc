#include <algorithm>

#include "compress/compressor.h"
#include "copy/wire.h"
#include "store/layer_reader.h"

namespace strata::copy {
namespace {

constexpr const char* kGreeting = "strata 1";

std::string offer(const archive::SavedImage& saved) {
  std::vector<std::string> names;
  for (const auto& name : saved.names) names.push_back(name.str());
  return Json::object({{"config", saved.image.bytes}, {"names", Json::strings(names)}}).dump();
}

/// What the receiver has asked for, among the layers that were offered.
Result<LayerInfo> find_layer(const Store& store, const std::vector<archive::SavedImage>& images,
                             const std::string& text) {
  auto digest = TRY(Digest::parse(text));
  for (const auto& saved : images) {
    const auto& ids = saved.image.config.diff_ids;
    auto found = std::find(ids.begin(), ids.end(), DiffID(digest));
    if (found == ids.end()) continue;
    auto stack = TRY(store.layers().stack(ids));
    return stack[static_cast<std::size_t>(found - ids.begin())];
  }
  return Error(ErrorCode::Corrupt,
               fmt::format("layer {} was asked for, which is none of the image's", digest.str()));
}

/// Says an error to the other side, too. If it was the other side that went, what it said last
/// counts more.
Error tell(Wire& wire, Error error) {
  if (wire.send('X', error.message())) return error;
  auto last = wire.receive();
  bool was_told = !last && last.error().code() == ErrorCode::Unavailable;
  return was_told ? std::move(last).error() : std::move(error);
}

}  // namespace

Result<Sent> send_images(const Store& store, const std::vector<archive::SavedImage>& images,
                         Wire& wire, const std::stop_token& stop,
                         const std::function<void(DiffID, std::int64_t)>& progress) {
  auto greeting = TRY(wire.expect('H'));
  if (greeting != kGreeting)
    return Error(ErrorCode::Unsupported, "the other side speaks another version of this protocol");
  for (const auto& image : images) TRY(wire.send('I', offer(image)));
  TRY(wire.send('O', ""));
  Sent sent;
  auto send_layer = [&](const std::string& wanted) -> Result<void> {
    auto layer = TRY(find_layer(store, images, wanted));
    std::int64_t read = 0;
    auto gzip = make_compressor(Compression::Gzip, [&](std::string_view bytes) {
      sent.bytes += static_cast<std::int64_t>(bytes.size());
      return wire.send('D', bytes);
    });
    TRY(read_layer(store, layer, [&](std::string_view bytes) -> Result<void> {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "cancelled");
      read += static_cast<std::int64_t>(bytes.size());
      if (progress) progress(layer.diff_id, read);
      return gzip->write(bytes);
    }));
    TRY(gzip->finish());
    sent.layers++;
    return wire.send('E', "");
  };
  for (;;) {
    auto frame = TRY(wire.receive());
    if (frame.kind == 'N') {
      if (auto done = send_layer(frame.content); !done) return tell(wire, std::move(done).error());
      continue;
    }
    if (frame.kind != 'R')
      return Error(ErrorCode::Corrupt, "the other side asks for nothing that can be given");
    auto result = TRY(Json::parse(frame.content).context("the result"));
    sent.ids = result["images"].as_strings();
    return sent;
  }
}

}  // namespace strata::copy
