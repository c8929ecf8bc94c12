#pragma once

#include <string>
#include <string_view>

namespace strata {

/// Standard base64 with padding: RFC 4648, section 4.
void append_base64(std::string& out, std::string_view bytes);

/// Appends what `text` stands for; false, with `out` in any state, if it is no padded base64.
bool append_base64_decoded(std::string& out, std::string_view text);

}  // namespace strata
