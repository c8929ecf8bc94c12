#pragma once

#include <optional>

#include "runtime/bundle.h"
#include "runtime/oci_runtime.h"

namespace strata {

/// Looks for argv[0] in the root file system behind the directory fd `rootfs` as a runtime will:
/// relative to `cwd` if there is a slash in it, else in the PATH of `env`. The failure that docker
/// reports if there is no such program (127), or it is a directory or not executable (126).
///
/// To be asked before a start, because a runtime writes its own message to the stderr of the
/// container as well. nullopt: it is there, or something of spec.mounts may provide it.
std::optional<RuntimeFailure> check_program(int rootfs, const ContainerSpec& spec,
                                            RuntimeCall call = RuntimeCall::Run);

}  // namespace strata
