#include "dockerfile/glob.h"

namespace strata::dockerfile {

bool is_glob(std::string_view source) {
  for (std::size_t i = 0; i < source.size(); i++) {
    if (source[i] == '\\') {
      i++;
    } else if (source[i] == '*' || source[i] == '?' || source[i] == '[') {
      return true;
    }
  }
  return false;
}

Result<Glob> Glob::compile(std::string_view pattern, Syntax syntax) {
  return Glob(TRY(detail::Pattern::compile(pattern, syntax)));
}

}  // namespace strata::dockerfile
