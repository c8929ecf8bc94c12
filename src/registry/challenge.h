#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::registry {

/// One way in which a server lets itself be asked (RFC 9110, 11.3).
struct Challenge {
  std::string scheme;                             // in lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case: realm, service, scope
  bool operator==(const Challenge&) const = default;
};

/// The challenges of a WWW-Authenticate header, in their order. Reads as far as it can be read: the
/// text comes from anyone.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace strata::registry
