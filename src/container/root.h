#pragma once

#include <string>

#include "base/fd.h"
#include "container/record.h"

namespace strata {

/// A place in a container's file system: `path` is absolute and resolved below `root`.
struct ContainerPlace {
  UniqueFd root;
  std::string path;
};

/// Where `path` lies: in the root of a running container's processes; of a stopped one in its
/// layers, mounted writable, or in the volume or bind mount that covers it. The mount goes with the
/// descriptor. (Links in a stopped container's layers do not lead into its volumes.)
/// The caller holds lock_container() unless the container runs.
Result<ContainerPlace> find_place(const Store& store, const ContainerRecord& record,
                                  const std::string& path);

}  // namespace strata
