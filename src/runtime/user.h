#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata {

/// Who the process of a container is.
struct ResolvedUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> additional_gids;  // sorted, without duplicates
  std::string home = "/";              // from etc/passwd
};

/// Resolves `user[:group]`, names or numbers, by etc/passwd and etc/group of the root file system
/// behind the directory fd `root`; links in it are followed as a process chrooted there would.
/// Empty means user 0 and needs no entry. A number without an entry is taken as it is, a name needs
/// one: "unable to find user nosuch: no matching entries in passwd file" (docs of `USER`;
/// builder.md 2.6). Supplementary groups are those of etc/group that list the user, unless a group
/// was given.
Result<ResolvedUser> resolve_user(int root, std::string_view spec);

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Resolves the value of `COPY --chown`: `user[:group]`. A name alone brings its primary group, a
/// number alone counts for both. Error texts are those of docker's classic builder, from
/// "unable to convert uid/gid chown string to host mapping: " on.
Result<Owner> resolve_chown(int root, std::string_view spec);

}  // namespace strata
