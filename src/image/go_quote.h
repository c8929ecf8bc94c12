#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Go's %q of a string (strconv.Quote): `"a\n\"b\""`; characters that cannot be printed are written
/// \a \b \f \n \r \t \v, \x7f, \u200b or \U0001f9ff, bytes that are not UTF-8 as \xff.
std::string go_quote(std::string_view text);

/// Go's %q of a list: `["a" "b c"]`, as in the history texts of CMD and ENTRYPOINT.
std::string go_quote(const std::vector<std::string>& list);

/// Go's %q of an integer: `'\x02'`, `'a'`; what is no code point is U+FFFD.
std::string go_quote_rune(char32_t c);

}  // namespace strata
