// rooms: dockerfile
#include "dockerfile/expand.h"

// The first line is the value of every variable with a short name, the rest is the text to expand.
// Never undefined behaviour, never much memory; a text without special characters stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace df = strata::dockerfile;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = std::min(input.find('\n'), input.size());
  const std::string value(input.substr(0, newline));
  const std::string_view text = input.substr(std::min(newline + 1, input.size()));
  const df::Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    if (name.size() > 2) return std::nullopt;
    return value;
  };
  const auto word = df::expand_word(text, '\\', lookup);
  if (text.find_first_of("$\\'\"") == text.npos && (!word || *word != text)) __builtin_trap();
  const auto words = df::expand_words(text, '`', lookup);
  if (words)
    for (const std::string& w : *words)
      if (w.empty()) __builtin_trap();
  static_cast<void>(df::expand_heredoc(text, '\\', lookup));
  return 0;
}
