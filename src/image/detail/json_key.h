#pragma once

#include <string_view>

namespace strata {

/// Whether Go's encoding/json takes `a` and `b` for the same key when there is no exact match:
/// letters without case, and the two non-ASCII letters that fold to ASCII ones (U+017F to s, U+212A
/// to k). Other non-ASCII letters compare exactly; no key that docker knows has one.
bool equal_json_key(std::string_view a, std::string_view b);

}  // namespace strata
