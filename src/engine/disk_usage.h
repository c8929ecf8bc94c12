#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/containers.h"

namespace strata {

/// `system df`, as docker counts; sizes in bytes.
struct ImageUsageRow {
  std::string id;          // "sha256:..."
  std::string repository;  // of its first tag; "<none>" without one
  std::string tag;
  Time created;
  std::int64_t size = 0;
  std::int64_t shared = 0;  // in layers that other images have, too
  int containers = 0;
};
struct VolumeUsageRow {
  std::string name;
  std::string mountpoint;
  std::int64_t size = 0;
  int links = 0;  // containers that have it
};
struct DiskUsage {
  std::vector<ImageUsageRow> images;  // newest first
  std::int64_t layers_size = 0;       // of all layers of these images, each once
  std::vector<ContainerRow> containers;
  std::vector<VolumeUsageRow> volumes;
};
Result<DiskUsage> disk_usage(const EngineOptions& engine);

/// What the layers really take on the disk.
struct LayerDiskUsage {
  std::int64_t on_disk = 0;
  std::int64_t saved_by_links = 0;  // what equal files in several layers would take more
  std::int64_t unreachable = 0;     // what interrupted commands left; `system prune` removes it
};
Result<LayerDiskUsage> layer_disk_usage(const EngineOptions& engine);

}  // namespace strata
