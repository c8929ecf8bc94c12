#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/settings.h"

namespace strata::registry {

/// What a registry knows a user by.
struct Credentials {
  std::string username;
  std::string password;
  std::string identity_token;  // stands in for the password where it is not empty
  bool operator==(const Credentials&) const = default;
};

/// The key of docker's files for a registry: the domain of a reference, but for docker.io
/// "https://index.docker.io/v1/".
std::string credentials_key(std::string_view domain);
/// The registry that a user types to login: "https://host/v1/" is "host"; "" is docker.io.
std::string registry_of(std::string_view typed);

/// What is known for a repository ("docker.io", "library/x"), looked for as docker and podman do:
/// config.json (credHelpers, credsStore by the docker-credential-* protocol, auths), then podman's
/// files, where the longest key that begins the repository counts. An error if a file cannot be
/// read or a helper fails.
Result<std::optional<Credentials>> find_credentials(const Settings& settings,
                                                    std::string_view domain, std::string_view path);

/// Where store_credentials() has put a password.
struct StoredIn {
  std::string file;            // config.json
  bool as_plain_text = false;  // no helper has it
};

/// Remembers them for a registry, in the helper that config.json names or in its `auths`. What else
/// stands in the file stays, in its order.
Result<StoredIn> store_credentials(const Settings& settings, std::string_view domain,
                                   const Credentials& credentials);

/// Forgets them, in config.json (or its helper) and in podman's files. False if nobody knew any.
Result<bool> erase_credentials(const Settings& settings, std::string_view domain);

std::string base64_encode(std::string_view bytes);
/// Standard base64, with or without padding; nullopt for anything else.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace strata::registry
