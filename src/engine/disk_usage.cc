#include "engine/disk_usage.h"

#include "collect/disk_usage.h"
#include "container/volumes.h"

namespace strata {

Result<DiskUsage> disk_usage(const EngineOptions& engine) {
  DiskUsage out;
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto usage = TRY(scan_usage(*store, {}));
  auto space = TRY(images_space(*store, usage));
  out.layers_size = space.layers;
  for (const auto& image : space.images) {
    ImageUsageRow row{image.id.str(), "<none>",     "<none>",        image.created,
                      image.size,     image.shared, image.containers};
    if (image.name) {
      row.repository = image.name->familiar_name();
      row.tag = image.name->tag;
    }
    out.images.push_back(std::move(row));
  }
  out.containers =
      TRY(list_containers(engine, {.all = true, .last = -1, .size = true, .filters = {}}));
  for (auto& volume : TRY(list_volumes(*store))) {
    auto mountpoint = fmt::format("{}/volumes/{}/_data", store->path(), volume.name);
    out.volumes.push_back(
        {std::move(volume.name), std::move(mountpoint), volume.size, volume.links});
  }
  return out;
}

Result<LayerDiskUsage> layer_disk_usage(const EngineOptions& engine) {
  auto store = TRY(Store::open(engine.root, Store::Access::Read));
  auto space = TRY(disk_space(*store));
  return LayerDiskUsage{space.on_disk, space.saved_by_links, space.unreachable};
}

}  // namespace strata
