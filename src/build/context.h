#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "build/source_tree.h"
#include "store/layer_writer.h"

namespace strata::build {

/// What the user gave `build` to read from.
struct ContextRequest {
  std::string path;        // a directory, or "-": a Dockerfile or a tar on stdin
  std::string dockerfile;  // -f: relative to the current directory; "-": stdin; empty: the default
  int stdin_fd = 0;
};

/// An opened build context. A directory is read in place: nothing is copied or packed.
class Context {
 public:
  /// Errors are docker's: `unable to prepare context: path "x" not found`. A context that comes as
  /// a tar is unpacked into a directory of `store` that goes away with this object.
  static Result<std::unique_ptr<Context>> open(const Store& store, const ContextRequest& request);

  SourceTree& files() { return *files_; }
  const std::string& dockerfile_text() const { return dockerfile_; }
  /// As messages name it: "Dockerfile", "prod.Dockerfile".
  const std::string& dockerfile_name() const { return dockerfile_name_; }
  /// Bytes of the tar that docker's client would have sent to a daemon: the figure of
  /// "Sending build context". Walks the whole context.
  Result<std::int64_t> transfer_size();

 private:
  Context() = default;
  Result<void> open_directory(const ContextRequest& request);
  Result<void> open_stream(const Store& store, const ContextRequest& request);
  Result<void> load_ignore_file();

  std::optional<LayerWriter> scratch_;  // what came from stdin, unpacked
  UniqueFd root_;
  std::unique_ptr<SourceTree> files_;
  std::string dockerfile_;
  std::string dockerfile_name_;
  std::string dockerfile_path_;  // inside the context; empty if it lies elsewhere
};

}  // namespace strata::build
