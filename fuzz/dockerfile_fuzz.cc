// rooms: dockerfile
#include "dockerfile/parser.h"

using strata::dockerfile::OnBuild;

// Any bytes give a Dockerfile or an Error of one line. What is given keeps what the headers
// promise: there is a stage, lines are in order, and the text of a trigger can be parsed without
// harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = strata::dockerfile::parse(text, "Dockerfile");
  if (!file) {
    if (file.error().message().empty()) __builtin_trap();
    return 0;
  }
  if (file->stages.empty() || !file->target_stage("")) __builtin_trap();
  int line = 0;
  for (const auto& stage : file->stages) {
    if (stage.head.first_line <= line) __builtin_trap();
    line = stage.head.last_line;
    for (const auto& instruction : stage.instructions) {
      if (instruction.first_line <= line || instruction.last_line < instruction.first_line)
        __builtin_trap();
      line = instruction.last_line;
      if (const auto* onbuild = std::get_if<OnBuild>(&instruction.value))
        static_cast<void>(strata::dockerfile::parse_trigger(onbuild->trigger));
    }
  }
  return 0;
}
