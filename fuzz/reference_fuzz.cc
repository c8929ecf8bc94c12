// rooms: image
#include "image/reference.h"

using strata::Reference;

// Any text gives a reference or an Error; its full form names the same image again, and its name is
// no path that leads upwards.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto r = Reference::parse_normalized({reinterpret_cast<const char*>(data), size});
  if (!r) return 0;
  const auto again = Reference::parse_normalized(r->str());
  if (!again || *again != *r) __builtin_trap();
  if (r->name().find("..") != std::string::npos || r->name().starts_with('/')) __builtin_trap();
  return 0;
}
