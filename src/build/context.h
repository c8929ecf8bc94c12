#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/temp_dir.h"
#include "build/download.h"
#include "build/git.h"
#include "build/source_tree.h"
#include "store/store.h"

namespace strata::build {

/// What the user gave `build` to read from.
struct ContextRequest {
  /// A directory, "-" (stdin), a git repository, or a URL: a Dockerfile or a tar.
  std::string path;
  std::string dockerfile;  // -f: relative to the current directory; "-": stdin; empty: the default
  int stdin_fd = 0;
  GitAuth git_auth;
  bool keep_git_dir = false;  // .git of a git repository is part of the context
  bool files_only = false;    // no Dockerfile is looked for, as for --build-context
};

/// What the opening of a context tells.
struct ContextEvents {
  /// "Sending build context": its size, as docker's client counts. From there on docker's daemon
  /// would speak.
  std::function<void(std::int64_t bytes)> sending;
  DownloadEvent download;
};

/// An opened build context. A directory is read in place: nothing is copied or packed. A directory
/// and a git repository have their .dockerignore.
class Context {
 public:
  /// Errors are docker's: `unable to prepare context: path "x" not found`. What does not come as a
  /// directory is unpacked into one of `store` that goes away with this object.
  static Result<std::unique_ptr<Context>> open(const Store& store, const ContextRequest& request,
                                               const ContextEvents& events,
                                               const std::stop_token& stop);

  SourceTree& files() { return *files_; }
  const std::string& dockerfile_text() const { return dockerfile_; }
  /// As messages name it: "Dockerfile", "prod.Dockerfile".
  const std::string& dockerfile_name() const { return dockerfile_name_; }

 private:
  Context() = default;
  Result<void> open_directory(const ContextRequest& request);
  Result<void> open_stream(const Store& store, const ContextRequest& request,
                           const ContextEvents& events, const std::stop_token& stop);
  Result<void> open_git(const Store& store, const ContextRequest& request,
                        const std::stop_token& stop);
  Result<void> open_url(const Store& store, const ContextRequest& request,
                        const ContextEvents& events, const std::stop_token& stop);
  Result<void> read_stream(int fd, const ContextRequest& request, const ContextEvents& events,
                           const std::stop_token& stop);
  Result<void> read_plain(ByteSource& source, const ContextRequest& request,
                          const ContextEvents& events);
  Result<void> read_directory_dockerfile(const ContextRequest& request);
  Result<void> read_dockerfile(ByteSource& source);
  Result<void> find_dockerfile(const ContextRequest& request);
  Result<void> remove_ignored();
  Result<void> load_ignore_file();
  Result<std::int64_t> transfer_size();

  std::optional<TempDir> scratch_;  // what did not come as a directory
  std::optional<GitCheckout> checkout_;
  UniqueFd root_;
  std::unique_ptr<SourceTree> files_;
  std::string dockerfile_;
  std::string dockerfile_name_;
  std::string dockerfile_path_;  // inside the context; empty if it lies elsewhere
  std::string outer_path_;       // of the Dockerfile on the host, if it lies elsewhere
};

}  // namespace strata::build
