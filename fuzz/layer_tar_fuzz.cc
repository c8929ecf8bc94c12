// rooms: store digest
//
// Any bytes as the tar of a layer: they are refused and nothing stays, or the layer is stored, has
// their digest, and gives them back byte for byte. Nothing outside of the layer changes.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "store/layer_reader.h"
#include "store/layer_writer.h"

namespace {

using namespace strata;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

/// A store for the whole run, with a file beside it that hostile names would like to reach.
class Playground {
 public:
  Playground() {
    char name[] = "/tmp/strata-fuzz-XXXXXX";
    demand(::mkdtemp(name) != nullptr);
    path_ = name;
    store_ = *Store::open(path_ + "/root", Store::Access::Write);
  }
  ~Playground() {
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  const Store& store() const { return *store_; }

  bool is_untouched() const {
    auto is_empty = [&](const char* below) { return std::filesystem::is_empty(path_ + below); };
    return is_empty("/root/overlay2/l") && is_empty("/root/image/overlay2/layerdb/tmp") &&
           is_empty("/root/image/overlay2/layerdb/sha256") && is_empty("/root/containers") &&
           std::distance(std::filesystem::directory_iterator(path_), {}) == 1;
  }

 private:
  std::string path_;
  std::unique_ptr<Store> store_;
};

Result<LayerInfo> apply(const Store& store, std::string_view tar) {
  auto writer = TRY(LayerWriter::create(store, {}, {}));
  StringSource source(tar);
  TRY(writer.add_tar(source));
  (void)TRY(writer.seal());
  return writer.publish(std::nullopt);
}

Result<std::string> rebuild(const Store& store, const LayerInfo& layer) {
  std::string bytes;
  TRY(read_layer(store, layer, [&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  }));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Playground playground;
  const Store& store = playground.store();
  std::string_view tar(reinterpret_cast<const char*>(data), size);
  if (auto layer = apply(store, tar)) {
    demand(layer->diff_id.digest() == sha256(tar));
    auto again = rebuild(store, *layer);
    demand(again && *again == tar);
    demand(store.layers().remove(layer->chain_id).has_value());
    demand(store.caches().remove(layer->cache_id).has_value());
  }
  demand(playground.is_untouched());
  return 0;
}
