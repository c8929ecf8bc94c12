// rooms: image
#include "image/config.h"

// Any bytes give an image config or an Error; what we write of it says the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = strata::parse_image_config({reinterpret_cast<const char*>(data), size});
  if (!config) return 0;
  const auto again = strata::parse_image_config(strata::encode_image_config(*config));
  if (!again || *again != *config) __builtin_trap();
  return 0;
}
