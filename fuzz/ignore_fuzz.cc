// rooms: dockerfile
#include <algorithm>

#include "dockerfile/glob.h"
#include "dockerfile/ignore_file.h"

// Up to a line "--" the patterns of an ignore file, then paths. What a directory's pruning would
// hide must be ignored; what a pattern matches must be reachable.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace df = strata::dockerfile;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(input.find("\n--\n"), input.size());
  const auto matcher = df::IgnoreMatcher::parse(input.substr(0, cut));
  const auto glob = df::Glob::compile(input.substr(0, std::min(input.find('\n'), input.size())));
  std::string_view paths = input.substr(std::min(cut + 4, input.size()));
  while (!paths.empty()) {
    const std::size_t end = std::min(paths.find('\n'), paths.size());
    const std::string_view path = paths.substr(0, end);
    paths.remove_prefix(std::min(end + 1, paths.size()));
    for (std::size_t at = path.find('/', 1); at < path.size(); at = path.find('/', at + 1)) {
      const std::string_view dir = path.substr(0, at);
      if (matcher && matcher->may_prune(dir) && !matcher->ignored(path)) __builtin_trap();
      if (glob && glob->matches(path) && !glob->may_match_below(dir)) __builtin_trap();
    }
    if (matcher) static_cast<void>(matcher->ignored(path));
  }
  return 0;
}
