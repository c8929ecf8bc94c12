#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "build/build.h"
#include "engine/events.h"
#include "engine/push_into.h"
#include "progress/event.h"
#include "transfer/shared_steps.h"

namespace strata {

/// A value of --cache-from. `images`: names of images of the store, whose history counts (docker's
/// meaning: no type, or type=image).
struct CacheSource {
  enum class Type : std::uint8_t { Images, Registry, Directory };
  Type type = Type::Images;
  std::vector<std::string> images;
  Reference reference;    // of Registry
  std::string directory;  // of Directory
};

/// A value of --cache-to.
struct CacheTarget {
  enum class Type : std::uint8_t { Registry, Directory, Inline };
  Type type = Type::Registry;
  Reference reference;
  std::string directory;
  bool all_stages = false;  // mode=max; else what the image consists of
  PushForm form;
};

/// InvalidArgument for what makes no sense, Unsupported for BuildKit's other types: these alone
/// fail a build.
Result<CacheSource> parse_cache_source(std::string_view text);
Result<CacheTarget> parse_cache_target(std::string_view text);

/// The caches of --cache-from that are outside the store, for BuildRequest::find_step. One that
/// fails is told as a warning and asked no more.
class SharedCaches {
 public:
  SharedCaches(const Store& store, const EngineOptions& engine, const RegistryAccess& access,
               std::int64_t max_layer_size, progress::Report& report);
  ~SharedCaches();

  void add(const CacheSource& source);
  bool empty() const { return caches_.empty(); }
  std::optional<build::BuildRequest::FoundStep> find(const std::string& key,
                                                     const std::optional<ChainID>& parent,
                                                     const std::stop_token& stop);

 private:
  struct Cache;
  Result<std::optional<build::BuildRequest::FoundStep>> look(Cache& cache, const std::string& key,
                                                             const std::optional<ChainID>& parent,
                                                             const std::stop_token& stop);

  const Store& store_;
  const EngineOptions& engine_;
  const RegistryAccess& access_;
  std::int64_t max_layer_size_;
  progress::Report& report_;
  std::vector<std::unique_ptr<Cache>> caches_;
};

/// The steps of a build that a cache is to get: all of them, or those that the image's layers come
/// from. Each key once, those of the image first.
std::vector<build::StepRecord> select_steps(const std::vector<build::StepRecord>& steps,
                                            const ImageConfig& image, bool all);
/// What type=inline puts into the image's manifest.
std::vector<transfer::InlineStep> inline_steps(const std::vector<build::StepRecord>& steps,
                                               const ImageConfig& image);

/// Writes the caches of --cache-to that are no part of an image. What fails is told as a warning.
void export_caches(const Store& store, const EngineOptions& engine, const RegistryAccess& access,
                   const std::vector<CacheTarget>& targets,
                   const std::vector<build::StepRecord>& steps, const ImageConfig& image,
                   progress::Report& report);

}  // namespace strata
