#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// Small text functions of the lexers.
namespace strata::dockerfile::detail {

/// The blanks between words of an instruction: [\t\v\f\r ]. Fewer than is_space() knows.
inline constexpr std::string_view kBlanks = "\t\v\f\r ";

/// Without Unicode white space on the left, the right, both sides.
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);
std::string_view trim(std::string_view text);

/// Splits at runs of kBlanks.
std::vector<std::string> split_blanks(std::string_view text);

/// ASCII only: the names of instructions, flags and stages.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// In double quotes with escapes, as Go's %q writes it: messages must be docker's.
std::string quote(std::string_view text);

/// InvalidArgument with this text.
Error invalid(std::string text);

}  // namespace strata::dockerfile::detail
