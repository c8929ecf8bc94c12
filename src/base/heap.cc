#include "base/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace strata {
namespace {

constexpr int kLargestBuffer = 32 << 20;
constexpr int kLargeHeap = 32 << 20;
constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;

#ifdef STRATA_SANITIZED  // then the heap is the sanitizer's
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

/// Allocates what nobody ever uses or frees: addresses alone, for no page of it is touched.
/// Volatile, or the compiler would leave it out.
std::uintptr_t skip(std::size_t size) {
  void* volatile nothing = std::malloc(size);
  return reinterpret_cast<std::uintptr_t>(static_cast<void*>(nothing));
}

}  // namespace

void keep_freed_memory() {
  (void)::mallopt(M_MMAP_THRESHOLD, kLargestBuffer);
  (void)::mallopt(M_TRIM_THRESHOLD, 2 * kLargestBuffer);
}

void use_large_heap() {
  if (kIsSanitized) return;
  (void)::mallopt(M_ARENA_MAX, 1);
  (void)::mallopt(M_TOP_PAD, kLargeHeap);
  // More than the heap has: it grows. A page that has been written before madvise(2) keeps those
  // around it from ever being one, so what comes next must begin with the first whole huge page;
  // malloc(3) itself writes beside the end of what it has given.
  constexpr std::size_t kMore = std::size_t{256} << 10;
  constexpr std::size_t kBeside = 64;
  auto first = skip(kMore);
  (void)::mallopt(M_TOP_PAD, 128 << 10);  // as it was
  if (first == 0) return;
  auto end = first + kMore;
  auto begin = (end + kBeside + kHugePage - 1) / kHugePage * kHugePage;
  (void)skip(begin - end - kBeside);
  auto limit = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  if (limit > begin) (void)::madvise(reinterpret_cast<void*>(begin), limit - begin, MADV_HUGEPAGE);
}

}  // namespace strata
