#include "copy/location.h"

#include "digest/digest.h"
#include "image/go_quote.h"

namespace strata::copy {
namespace {

struct Transport {
  std::string_view prefix;
  Location::Kind kind;
};

constexpr Transport kTransports[] = {
    {"docker:", Location::Kind::Registry},
    {"registry:", Location::Kind::Registry},
    {"oci:", Location::Kind::Layout},
    {"oci-archive:", Location::Kind::LayoutArchive},
    {"docker-archive:", Location::Kind::DockerArchive},
    {"strata:", Location::Kind::Store},
};

Error invalid(std::string_view text, std::string_view why) {
  return Error(ErrorCode::InvalidArgument,
               fmt::format("invalid image name {}: {}", go_quote(text), why));
}

/// A layout's image may be named by its digest.
bool split_digest(Location& location, std::string_view rest) {
  auto at = rest.rfind('@');
  if (at == std::string_view::npos || !Digest::parse(rest.substr(at + 1))) return false;
  location.path = rest.substr(0, at);
  location.name = rest.substr(at + 1);
  return true;
}

}  // namespace

Result<Location> parse_location(std::string_view text) {
  for (const auto& transport : kTransports) {
    if (!text.starts_with(transport.prefix)) continue;
    auto rest = text.substr(transport.prefix.size());
    Location location;
    location.kind = transport.kind;
    if (location.kind == Location::Kind::Registry || location.kind == Location::Kind::Store) {
      if (rest.starts_with("//"))
        rest.remove_prefix(2);
      else if (transport.prefix == "docker:")
        return invalid(text, "docker: is followed by //");
      if (rest.empty()) return invalid(text, "it has no name");
      location.name = rest;
      return location;
    }
    bool is_layout =
        location.kind == Location::Kind::Layout || location.kind == Location::Kind::LayoutArchive;
    if (!is_layout || !split_digest(location, rest)) {
      auto colon = rest.find(':');
      location.path = rest.substr(0, colon);
      if (colon != std::string_view::npos) location.name = rest.substr(colon + 1);
    }
    if (location.path.empty()) return invalid(text, "it has no path");
    return location;
  }
  return invalid(text,
                 "it must begin with docker://, registry:, oci:, oci-archive:, docker-archive: or "
                 "strata:");
}

}  // namespace strata::copy
