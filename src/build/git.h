#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/temp_dir.h"
#include "store/store.h"

namespace strata::build {

/// A git repository as a build names it: `https://host/repo.git#ref:directory`, or with a query in
/// place of the fragment: `?ref=`, `?branch=`, `?tag=`, `?commit=` (or `checksum`), `?subdir=`,
/// `?keep-git-dir=`, `?submodules=` (BuildKit's, as docker documents them).
struct GitSource {
  std::string url;                        // as git takes it, without that query
  std::string ref = {};                   // branch, tag or commit; "": what HEAD is there
  std::string directory = {};             // inside the repository; "": all of it
  std::string commit = {};                // the first digits of what it must be; "": anything
  std::optional<bool> keep_git_dir = {};  // .git stays
  bool submodules = true;                 // they come along
};

/// Whether docker takes `text` for a repository: git://, ssh://, user@host:path, and http(s)://
/// with a path that ends in ".git". file:// and paths never are.
bool is_git_url(std::string_view text);
/// The same for the context of a build, which may also be "github.com/..." without a scheme.
bool is_git_context(std::string_view text);

/// The parts of what is_git_context() accepts. InvalidArgument for a ref that git could take for
/// something else: `"-x": not the name of a git branch, tag or commit`; for a query that says
/// nothing, or something else than what stands beside it: `unexpected query "a"`.
Result<GitSource> parse_git_url(std::string_view text);

/// Whether `text` may be a commit or its first digits (at least 7). InvalidArgument otherwise.
Result<void> check_commit(std::string_view text);

/// What lets a fetch in over http(s), by the ids of BuildKit's secrets: GIT_AUTH_TOKEN, a password
/// for the user x-access-token, and GIT_AUTH_HEADER, the value of the header Authorization; both
/// also with ".host" behind them, which is then the only host that sees it.
using GitAuth = std::map<std::string, std::string>;

/// The value of the header Authorization for a URL; "" for none.
std::string git_authorization(const GitAuth& auth, std::string_view url);

/// How a repository is fetched.
struct GitOptions {
  bool keep_git_dir = false;  // .git stays; its files depend on the commit alone, as far as we can
  std::string commit;         // the first digits of what it must be; "": anything
  GitAuth auth = {};
};

/// The files of one commit, with those of its submodules: 0644 or 0755, owned by root, with the
/// time of the commit. They go away with this object.
struct GitCheckout {
  TempDir scratch;
  UniqueFd root;       // the directory that was asked for
  std::string commit;  // 40 digits
  Time time;           // of the commit
};

/// Fetches it with the program `git`, as little as the server allows (one commit deep). Nobody is
/// asked for a password, no hook and no configuration but that of the fetch counts, and submodules
/// too come through http, https, ssh and git:// alone. NotFound `unable to find 'git': exec: "git":
/// executable file not found in $PATH`; else `unable to 'git clone' ...` with git's own line.
Result<GitCheckout> fetch_git(const Store& store, const GitSource& source,
                              const GitOptions& options, const std::stop_token& stop);

}  // namespace strata::build
