#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::build {

/// What --chmod does to a mode: sets it ("0644"), or changes it as chmod(1) does ("u=rwX,go-w").
class ModeChange {
 public:
  /// An octal number up to 07777, or clauses [ugoa]*([-+=][rwxXst]*)+ with commas between them; no
  /// "who" means all, whatever the umask. InvalidArgument otherwise, in BuildKit's words.
  static Result<ModeChange> parse(std::string_view text);

  /// The permission bits that a file with `mode` (type and permissions) gets.
  mode_t apply(mode_t mode) const;

 private:
  struct Action {
    char operation = '=';      // '-', '+' or '='
    mode_t who = 0;            // all bits that the clause may touch
    mode_t bits = 0;           // of them: those that are named
    bool conditional = false;  // X: execute, if it is a directory or anyone may execute it
  };
  std::vector<Action> actions_;
};

}  // namespace strata::build
