#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::tar::detail {

/// Bytes of the well-formed UTF-8 character at the start of `text` (Unicode 15, table 3-7: no
/// surrogates, nothing overlong); 0 if there is none.
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t character);

}  // namespace strata::tar::detail
