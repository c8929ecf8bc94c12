#pragma once

#include <string>
#include <vector>

#include "http/session.h"
#include "image/reference.h"
#include "registry/settings.h"

namespace strata::registry {

/// A server that may be asked for a repository.
struct Endpoint {
  std::string url;  // "https://registry-1.docker.io/v2": what paths are put behind
  http::Tls tls;
  bool is_mirror = false;  // what it does not have, another one may
  bool can_push = true;
  /// "host:port" of the URL.
  std::string host() const;
  std::string name_space;  // `?ns=` for a mirror of another host (containerd's rule); "" for none
};

/// Where the repositories of a domain are, in the order in which they are to be tried: mirrors of
/// certs.d/<domain>/hosts.toml or, of docker.io, of daemon.json, then the registry itself.
/// docker.io is registry-1.docker.io. A registry on the loopback device, or one that is listed as
/// insecure, is tried by https without verification and then by plain http, as docker does; with
/// tls_verify set to false any is. Certificates are docker's: certs.d/<domain>/*.crt are trusted,
/// NAME.cert and NAME.key are shown.
Result<std::vector<Endpoint>> endpoints_of(const Settings& settings, const std::string& domain);

}  // namespace strata::registry
