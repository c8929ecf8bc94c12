#pragma once

#include "engine/events.h"
#include "engine/registries.h"
#include "image/reference.h"
#include "registry/settings.h"
#include "transfer/events.h"
#include "transfer/push.h"

namespace strata {

/// The rules of this user and this command about registries.
Result<registry::Settings> registry_settings(const RegistryAccess& access);

/// What `transfer` tells, as the engine tells it. `events` is borrowed.
transfer::Events events_of(const TransferEvents& events);

/// How something is pushed to a repository. `events` is borrowed.
transfer::PushOptions push_options(const EngineOptions& engine, const registry::Settings& settings,
                                   const Reference& name, const PushForm& form,
                                   const TransferEvents& events);

}  // namespace strata
