#pragma once

#include <cstddef>

namespace strata {

/// Asks the kernel for all pages of `memory` at once. One page fault after another can take longer
/// than what is then done with some megabytes, above all in a virtual machine. The content stays;
/// less than 256 KiB is left as it is, and so is everything where the kernel is older than 5.14.
void populate(void* memory, std::size_t bytes);

}  // namespace strata
