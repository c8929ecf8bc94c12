#include "engine/pins.h"

#include "store/image_notes.h"
#include "store/store.h"

namespace strata {

Result<void> pin_image(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  auto id = TRY(take_image(*store, name)).id;
  TRY(ImageNotes(store->own_dir()).pin(id));
  return engine.lazy ? Result<void>() : store->sync();
}

Result<void> unpin_image(const EngineOptions& engine, std::string_view name) {
  auto store = TRY(Store::open(engine.root, Store::Access::Write));
  return ImageNotes(store->own_dir()).unpin(TRY(resolve_image(*store, name)));
}

}  // namespace strata
