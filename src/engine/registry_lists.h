#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/events.h"
#include "engine/registries.h"

namespace strata {

/// The tags that a repository of a registry has, in the registry's order.
Result<std::vector<std::string>> list_tags(const EngineOptions& engine, const std::string& name,
                                           const RegistryAccess& access);

/// What refers to an image of a registry: a signature, an SBOM, an attestation.
struct ReferrerView {
  std::string digest;
  std::string artifact_type;
  std::int64_t size = 0;  // bytes of its manifest
  std::map<std::string, std::string> annotations;
};
Result<std::vector<ReferrerView>> list_referrers(const EngineOptions& engine,
                                                 const std::string& name,
                                                 const std::string& artifact_type,
                                                 const RegistryAccess& access);

/// Removes a tag of a registry or, by digest, a manifest with all of its tags. Gives the line that
/// docker's `rmi` would print: "Untagged: x:1", "Deleted: x@sha256:...". InvalidArgument for a name
/// with neither.
Result<std::string> remove_from_registry(const EngineOptions& engine, const std::string& name,
                                         const RegistryAccess& access);

}  // namespace strata
