#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dockerfile/expand.h"

// The value of RUN --mount: "type=cache,target=/x,sharing=locked". Format: BuildKit's Dockerfile
// reference, "RUN --mount".
namespace strata::dockerfile {

struct Mount {
  enum class Type : std::uint8_t { Bind, Cache, Tmpfs, Secret, Ssh };
  enum class Sharing : std::uint8_t { Shared, Private, Locked };

  Type type = Type::Bind;
  std::string from;    // stage or image; empty: the build context
  std::string source;  // path in `from`
  /// Where it is seen, as written. Secrets: "" for /run/secrets/<id>, or for none if `env` is set.
  std::string target;
  /// Of a cache, by default its cleaned target; of a secret, by default its target's last name; of
  /// an ssh agent "default".
  std::string id;
  bool read_only = false;
  bool required = false;  // secret, ssh: an error if it was not given
  Sharing sharing = Sharing::Shared;
  std::int64_t size = 0;       // of a tmpfs, in bytes; 0: no limit
  std::optional<mode_t> mode;  // cache, secret, ssh
  uid_t uid = 0;
  gid_t gid = 0;
  std::string env;  // secret: the variable that it is given as
};

/// Parses the comma-separated fields; CSV's quotes may be around each. Variables are replaced with
/// `lookup` in all values but that of `from`. InvalidArgument in BuildKit's words: `unsupported
/// mount type "foo"`, `unexpected key 'foo' in 'foo=1'`, `invalid mount target "/"`.
Result<Mount> parse_mount(std::string_view text, char escape, const Lookup& lookup);

/// `from` of a --mount alone, without looking at the rest: what stage it needs. "" if it has none.
std::string mount_from(std::string_view text);

}  // namespace strata::dockerfile
