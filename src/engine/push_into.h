#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest/digest.h"
#include "engine/registries.h"
#include "image/reference.h"
#include "store/store.h"
#include "transfer/step_entry.h"

namespace strata {

/// What a registry has got.
struct PushedManifest {
  Digest digest;
  std::int64_t size = 0;  // bytes
  std::string media_type;
};

/// What an operation pushes that has the store open.
struct PushOne {
  Reference reference;  // with a tag
  PushForm form;
  bool by_digest = false;  // the manifest gets no tag there
  std::vector<transfer::InlineStep> inline_steps;
};
/// push_images() of that. `events` are told as there.
Result<PushedManifest> push_one(const Store& store, const EngineOptions& engine,
                                const PushOne& request, const RegistryAccess& access,
                                const TransferEvents& events);

}  // namespace strata
