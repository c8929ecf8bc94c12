// rooms: tar
#include "tar/header.h"

// Any bytes give a number or an Error, never undefined behaviour; and a number is never negative.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto n = strata::tar::parse_number({data, size});
  if (n && *n < 0) __builtin_trap();
  return 0;
}
