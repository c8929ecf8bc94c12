// rooms: cli image
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/go_template.h"
#include "cli/table.h"
#include "image/json.h"

// Any text is a template or an error, and any template ends, with output or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const strata::Json kData = *strata::Json::parse(
      R"({"Id":"a","L":["x",1,2.5,null,true,{"k":"v"}],"M":{"a":1,"b":{}},"N":null})");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = strata::cli::GoTemplate::parse(text);
  std::string out;
  if (parsed) {
    const auto done = parsed->execute(kData, out);
    if (!done && done.error().message().empty()) __builtin_trap();
    if (done) static_cast<void>(strata::cli::align_columns(out.substr(0, 4096)));
  }
  return 0;
}
