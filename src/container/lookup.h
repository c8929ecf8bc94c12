#pragma once

#include <string_view>

#include "container/record.h"

namespace strata {

/// The container that a user means: by its full ID, its name (with or without slash), or a unique
/// prefix of its ID, in docker's order. NotFound: `No such container: x`; InvalidArgument if a
/// prefix fits several: `Multiple IDs found with provided prefix: x`.
Result<ContainerRecord> find_container(const Store& store, std::string_view text);

}  // namespace strata
