#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/output_file.h"
#include "engine/build.h"

namespace strata::cli {

/// The files that outputs of a build write, opened before it begins: what cannot be written is told
/// at once. They appear under their names when all is done.
class BuildFiles {
 public:
  /// Gives each output that is a stream its sink. Errors: standard output is a terminal, or is
  /// wanted twice; the file cannot be made.
  Result<void> open(std::vector<BuildOutput>& outputs);
  bool to_stdout() const { return to_stdout_; }
  Result<void> finish();

 private:
  std::vector<std::unique_ptr<OutputFile>> files_;
  bool to_stdout_ = false;
};

/// What --metadata-file gets, in the keys of buildx: "containerimage.config.digest",
/// "containerimage.digest" and "containerimage.descriptor" of the manifest if an archive was
/// written or pushed (else the digest is the image ID, as with docker's own store), "image.name".
std::string build_metadata(const BuildImageResult& result);

}  // namespace strata::cli
