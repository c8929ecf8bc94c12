#pragma once

#include <string>
#include <vector>

#include "digest/digest.h"

namespace strata {

/// A read-only mount that outlives the process which made it (`strata image mount`).
struct ImageMount {
  ImageID image;
  std::string directory;  // absolute, resolved
};

/// Remembers a mount, so that no removal takes its layers: ROOT/strata/image-mounts/<sha256 of the
/// directory>. To be called while the image is held. `own_dir` is ROOT/strata.
Result<void> record_image_mount(int own_dir, const ImageMount& mount);

/// Forgets the mount at `directory`; what is not known is no error.
void forget_image_mount(int own_dir, const std::string& directory);

/// The recorded mounts that are there: something is mounted at the directory, as seen from this
/// process's mount namespace. Records of an earlier boot are removed.
Result<std::vector<ImageMount>> image_mounts(int own_dir);

}  // namespace strata
