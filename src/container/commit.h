#pragma once

#include <functional>
#include <string>

#include "container/record.h"

namespace strata {

struct CommitRequest {
  std::string author;   // -a
  std::string comment;  // -m
  bool pause = true;    // hold a running container still meanwhile, if this machine can
  /// -c: changes the new image's config, which begins as the container's.
  std::function<Result<void>(RunConfig&)> change;
};

/// Makes an image of the container's image and what its writable layer changes; without any change
/// in files no layer is added. The layer is a copy, so the container may go on; files that an
/// earlier commit has, too, are linked. Config bytes as dockerd 20 writes them
/// (docs/store.md, 1.2), the DiffID is dockerd 28's (section 7). Everything but the tag: the caller
/// syncs the store and names the image.
Result<ImageID> commit_container(const Store& store, const ContainerRecord& record,
                                 const CommitRequest& request);

}  // namespace strata
