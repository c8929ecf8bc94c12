#include "base/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace strata {
namespace {

constexpr std::size_t kWorthACall = std::size_t{256} << 10;  // bytes
constexpr std::uintptr_t kPage = 4096;                       // bytes

}  // namespace

void populate(void* memory, std::size_t bytes) {
  if (bytes < kWorthACall) return;
  int error = errno;
  auto first = (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) & ~(kPage - 1);
  auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) & ~(kPage - 1);
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_POPULATE_WRITE);  // only a wish
  errno = error;
}

}  // namespace strata
