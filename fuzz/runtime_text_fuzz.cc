// rooms: base image runtime
#include <cstddef>
#include <cstdint>

#include "runtime/cgroup.h"
#include "runtime/oci_runtime.h"

/// What other programs print: any text gives an answer, and a message stays on one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)strata::parse_cgroup_mounts(text);
  auto failure = strata::explain_failure(text, "sh");
  if (failure && failure->message.find('\n') != std::string::npos) __builtin_trap();
  return 0;
}
