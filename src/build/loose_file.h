#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/temp_dir.h"
#include "build/copy_plan.h"
#include "build/git.h"
#include "build/source_tree.h"
#include "digest/digest.h"
#include "store/store.h"

namespace strata::build {

/// A source of COPY or ADD that is in no tree of the user: a download, the body of a
/// here-document, the files of a repository. It lies in a directory of its own, which goes away
/// with this object.
struct LooseFile {
  TempDir directory;
  std::unique_ptr<SourceTree> tree;
  CopySource source;
  std::string sum;  // as the history shows it: "file:<hex>", of a download the hex digits alone
  Digest content;   // of the file's bytes
  bool remote = false;
  UniqueFd root = {};  // of `tree`, if it is not `directory`
};

/// The file that a here-document becomes: mode 0644, owned by root, of 1970, since it must not
/// depend on anything but the Dockerfile.
Result<std::unique_ptr<LooseFile>> make_heredoc_file(const Store& store, const std::string& name,
                                                     std::string_view body);

/// The files of a repository, as one directory. Errors as fetch_git() has them.
Result<std::unique_ptr<LooseFile>> make_git_files(const Store& store, const GitSource& source,
                                                  const GitOptions& options,
                                                  const std::stop_token& stop);

}  // namespace strata::build
