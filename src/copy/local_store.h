#pragma once

#include <cstdint>

#include "copy/copy.h"
#include "copy/medium.h"
#include "store/store.h"

namespace strata::copy {

/// An image of the store. Its layers are rebuilt byte for byte from their tar-splits.
class StoreSource final : public Source {
 public:
  /// `store` is borrowed; `image` is held.
  StoreSource(const Store& store, Image image) : store_(store), image_(std::move(image)) {}

  Result<Document> root() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob) override;
  bool is_made_up() const override { return true; }

 private:
  const Store& store_;
  const Image image_;
};

/// Brings the image for options.platform into the store and names it. All is unpacked and compared
/// with blob digests and DiffIDs before anything is published (archive::load_images()).
Result<ImageID> copy_to_store(Source& source, const Store& store, const Reference& name,
                              std::int64_t max_layer_size, bool lazy, const CopyOptions& options);

}  // namespace strata::copy
