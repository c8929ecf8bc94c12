#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "container/record.h"
#include "store/store.h"

namespace strata {

/// A name such as "quiet_lovelace": an adjective and a scientist. With `retry` a digit follows, for
/// when the plain names are taken.
std::string random_container_name(bool retry);

/// Whether docker takes this as the name of a container (without slash). InvalidArgument: `Invalid
/// container name (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`.
Result<void> check_container_name(std::string_view name);

/// The container that has this name (without slash); none if it is free.
Result<std::optional<ContainerRecord>> container_with_name(const Store& store,
                                                           std::string_view name);

/// Conflict with docker's text if `name` (without slash) is taken.
Result<void> check_name_is_free(const Store& store, std::string_view name);

/// `rename`: to `name` (without slash). Errors are docker's: "Error when allocating new name: " and
/// those of the two above, and for its own name "Renaming a container with the same name as its
/// current name".
Result<void> rename_container(const Store& store, const std::string& id, const std::string& name);

/// A name that nobody has.
Result<std::string> unused_container_name(const Store& store);

}  // namespace strata
