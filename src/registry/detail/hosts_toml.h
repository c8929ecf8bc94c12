#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::registry::detail {

/// A server of a hosts.toml (containerd, docs/hosts.md).
struct TomlHost {
  std::string url;
  bool has_capabilities = false;
  bool can_pull = true;
  bool can_push = true;
  bool verify = true;
  bool override_path = false;
  std::vector<std::string> authorities;                           // files
  std::vector<std::pair<std::string, std::string>> certificates;  // file and key; key may be ""
};

struct HostsToml {
  TomlHost server;              // of the top level; url "" if it does not name one
  std::vector<TomlHost> hosts;  // in the order of the file
};

/// Reads the part of TOML that such files use: comments, tables, basic and literal strings,
/// booleans, arrays of strings and of arrays. Keys that are not known are passed over. Corrupt,
/// naming the line, for anything else.
Result<HostsToml> parse_hosts_toml(std::string_view text);

}  // namespace strata::registry::detail
