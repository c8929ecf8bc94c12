#pragma once

namespace strata {

/// Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space
/// (Unicode 14).
bool is_printable(char32_t c);

}  // namespace strata
