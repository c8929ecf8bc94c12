#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/events.h"
#include "engine/registries.h"

namespace strata {

/// `manifest inspect`: what.
struct InspectManifestRequest {
  std::string list;  // a list that is being put together, or empty
  std::string name;  // of an image or a list, or of an image in that list
  bool verbose = false;
  RegistryAccess access;
};

/// The JSON that docker prints. NotFound "no such manifest: x" and docker's other words.
Result<std::string> inspect_manifest(const EngineOptions& engine,
                                     const InspectManifestRequest& request);

/// `manifest create`: a list out of images that registries have.
struct CreateListRequest {
  std::string list;
  std::vector<std::string> manifests;
  bool amend = false;
  RegistryAccess access;
};
/// Gives the list's name in full.
Result<std::string> create_manifest_list(const EngineOptions& engine,
                                         const CreateListRequest& request);

/// `manifest annotate`: what a list says of one of its images. Empty: as it is.
struct AnnotateListRequest {
  std::string list;
  std::string manifest;
  std::string architecture;
  std::string os;
  std::string os_version;
  std::vector<std::string> os_features;
  std::string variant;
  RegistryAccess access;
};
Result<void> annotate_manifest_list(const AnnotateListRequest& request);

/// `manifest push`: the list, and what it names where that is in another repository.
struct PushListRequest {
  std::string list;
  bool purge = false;  // forget the list then
  RegistryAccess access;
};
/// Gives the list's digest. `told` gets a line for each image that was pushed.
Result<std::string> push_manifest_list(const EngineOptions& engine, const PushListRequest& request,
                                       const std::function<void(std::string_view)>& told);

/// `manifest rm`: NotFound "No such manifest: x".
Result<void> remove_manifest_list(const std::string& list, const RegistryAccess& access);

}  // namespace strata
