#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::registry::detail {

/// The texts of a Warning header that are for people: code 299 (RFC 7234, 5.5.7; OCI
/// distribution-spec, "Warnings"). At most ten; what cannot be read is left out: it comes from
/// anyone.
std::vector<std::string> parse_warnings(std::string_view header);

}  // namespace strata::registry::detail
