#pragma once

#include <cstdint>

#include "image/json.h"

namespace strata {

/// The `linux.seccomp` object of an OCI config: an allow list with the semantics of docker's
/// default profile (docs.docker.com, "Seccomp security profiles for Docker"). What is not on it
/// fails with EPERM; clone3, whose flags a filter cannot see, with ENOSYS, so that libc falls back
/// to clone. Covers the native architecture and its 32-bit companion. `capabilities` is a mask of 1
/// << CAP_x: some calls are allowed only with their capability.
Json seccomp_profile(std::uint64_t capabilities);

}  // namespace strata
