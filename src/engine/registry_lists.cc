#include "engine/registry_lists.h"

#include <fmt/format.h>

#include "engine/repositories.h"
#include "image/reference.h"
#include "registry/client.h"

namespace strata {
namespace {

using registry::Access;
using registry::Repository;

}  // namespace

Result<std::vector<std::string>> list_tags(const EngineOptions& engine, const std::string& name,
                                           const RegistryAccess& access) {
  auto reference = TRY(Reference::parse_normalized(name));
  if (!reference.is_name_only())
    return Error(ErrorCode::InvalidArgument, "the tags are those of a whole repository: " + name);
  auto settings = TRY(registry_settings(access));
  return Repository(settings, reference, Access::Pull, engine.stop).tags();
}

Result<std::vector<ReferrerView>> list_referrers(const EngineOptions& engine,
                                                 const std::string& name,
                                                 const std::string& artifact_type,
                                                 const RegistryAccess& access) {
  auto reference = TRY(Reference::parse_normalized(name)).with_default_tag();
  auto settings = TRY(registry_settings(access));
  Repository repository(settings, reference, Access::Pull, engine.stop);
  if (!reference.digest) reference.digest = TRY(repository.manifest(reference)).digest;
  std::vector<ReferrerView> views;
  for (auto& referrer : TRY(repository.referrers(*reference.digest, artifact_type)))
    views.push_back({referrer.manifest.digest.str(), std::move(referrer.artifact_type),
                     referrer.manifest.size, std::move(referrer.annotations)});
  return views;
}

Result<std::string> remove_from_registry(const EngineOptions& engine, const std::string& name,
                                         const RegistryAccess& access) {
  auto reference = TRY(Reference::parse_normalized(name));
  if (reference.is_name_only())
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{}: a tag or a digest must say what is to be removed", name));
  auto settings = TRY(registry_settings(access));
  Repository repository(settings, reference, Access::Delete, engine.stop);
  auto removed = repository.remove(reference);
  if (!removed && removed.error().code() == ErrorCode::Unsupported && !reference.digest) {
    auto digest = TRY(repository.manifest(reference)).digest;
    return Error(
        ErrorCode::Unsupported,
        fmt::format("{}: {}; {}@{} with all of its tags can be removed", reference.familiar(),
                    removed.error().message(), reference.familiar_name(), digest.str()));
  }
  TRY(std::move(removed).context("{}", reference.familiar()));
  return fmt::format("{}: {}", reference.digest ? "Deleted" : "Untagged", reference.familiar());
}

}  // namespace strata
