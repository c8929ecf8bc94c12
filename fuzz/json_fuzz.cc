// rooms: image
#include "image/json.h"

using strata::Json;

// Any bytes give a value or an Error; what was written, compact or indented, reads back and is
// written the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto v = Json::parse({reinterpret_cast<const char*>(data), size});
  if (!v) return 0;
  const std::string text = v->dump();
  for (const std::string& written : {text, v->dump_indented()}) {
    const auto again = Json::parse(written);
    if (!again || again->dump() != text) __builtin_trap();
  }
  return 0;
}
